import { pino } from 'pino'
import { beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { openPostgres } from '../../../src/db/postgres/open-postgres.ts'
import { decide } from '../../../src/decide/decision.ts'
import { armDeployment } from '../../../src/inventory/boots/deployments.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { createLocalEffects } from '../../../src/inventory/journal/local-effects.ts'
import { type Journal, openJournal } from '../../../src/inventory/journal/open-journal.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import type { Roster } from '../../../src/inventory/roster/roster.ts'
import { openBootFor, testBootKeys } from '../../helpers/boots.ts'
import { createFresh } from '../../helpers/database.ts'
import { type FaultyRelay, startFaultyRelay } from '../../helpers/faulty-relay.ts'
import { newTestFiles } from '../../helpers/journal.ts'
import { loaded, testRoster } from '../../helpers/roster.ts'

const quiet = pino({ level: 'silent' })
const facts = { mac: '52:54:00:88:00:01', platform: 'efi', buildarch: 'x86_64' } as const
const ip = '192.0.2.1'

const postgresUrl = inject('postgresUrl')
// The journal has connections of its own, so it may write while the questions of the roster hang.
describe.runIf(postgresUrl !== undefined)('a roster whose questions hang, with a journal that writes', () => {
  let db: Db
  let relay: FaultyRelay
  let roster: Roster
  let journal: Journal
  beforeEach(async () => {
    const url = new URL(await createFresh(postgresUrl as string))
    const direct = await openPostgres(url.href)
    onTestFinished(direct.close)
    relay = await startFaultyRelay(Number(url.port))
    onTestFinished(relay.stop)
    url.port = String(relay.port)
    const relayed = await openPostgres(url.href)
    onTestFinished(relayed.close)
    db = direct.db
    await saveImage(db, 'installer', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const { machine } = await saveMachine(db, { mac: facts.mac }, { assignment: { local: true } }, {}, 'tester')
    const order = { image: 'installer', assignment: {}, maxAttempts: 3, windowSeconds: 3600 }
    await armDeployment(db, machine.id, order, false, 'tester')

    const { files, remove } = newTestFiles()
    onTestFinished(remove)
    roster = await loaded(testRoster(relayed.db, { waitMs: 300 }))
    journal = openJournal(db, files, quiet, { waitMs: 5000, effects: createLocalEffects(roster) })
    onTestFinished(journal.stop)
  })
  const report = async (bootId: string, stages: ('ready' | 'installing' | 'installed')[]) => {
    for (const seen of stages) expect(await journal.recordReport({ boot_id: bootId, seen, ip }), seen).toBe('written')
  }
  const expectInstalled = async () => {
    const situation = await roster.findSituation(facts)
    expect(situation.asOf).toBeDefined()
    expect(situation.deployment).toMatchObject({ state: 'installed', attempts: 1 })
    expect(decide(situation).decision.deployment).toBeUndefined()
    relay.block(false)
  }

  test('does not install a machine again that was installed by a boot of this server', async () => {
    const keys = testBootKeys()
    const { decision } = decide(await roster.findSituation(facts))
    expect(decision.deployment).toMatchObject({ attempt: 1 })
    await journal.openBoot({ ...keys, facts, ip, decision, script: '#!ipxe\n', reports: true })
    await report(keys.id, ['ready'])
    expect((await roster.findSituation(facts)).deployment).toMatchObject({ state: 'started', attempts: 1 })
    relay.block(true)
    await report(keys.id, ['installing', 'installed'])
    await expectInstalled()
  })

  test('does not install a machine again whose boot another server opened', async () => {
    await roster.findSituation(facts)
    relay.block(true)
    const { id } = await openBootFor(db, facts, ip)
    await report(id, ['ready', 'installing', 'installed'])
    await expectInstalled()
  })

  test('hears from the database what a later operator did', async () => {
    const { id } = await openBootFor(db, facts, ip)
    await report(id, ['ready', 'installed'])
    expect((await roster.findSituation(facts)).deployment).toMatchObject({ state: 'installed', attempts: 1 })
    const { identity } = await roster.findSituation(facts)
    const machineId = 'machine' in identity ? identity.machine.id : ''
    const order = { image: 'installer', assignment: {}, maxAttempts: 3, windowSeconds: 3600 }
    await armDeployment(db, machineId, order, false, 'tester')
    expect((await roster.findSituation(facts)).deployment).toMatchObject({ state: 'armed', attempts: 0 })
  })
})
