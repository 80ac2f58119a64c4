import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { findBoot, listBoots } from '../../../src/inventory/boots/boots.ts'
import { listBootEvents } from '../../../src/inventory/boots/events.ts'
import { deleteMachine, findMachine, saveMachine } from '../../../src/inventory/machines/machines.ts'
import type { Decision } from '../../../src/model/decision.ts'
import { decideFor, openBootFor, testBootKeys } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { startTestRecorder } from '../../helpers/journal.ts'
import { recordReport } from '../../helpers/reports.ts'

const mac = '52:54:00:12:34:56'
const ip = '192.0.2.7'
const facts = { mac, platform: 'efi', buildarch: 'x86_64', product: 'X1' } as const
const quiet = pino({ level: 'silent' })

async function open(db: Db, change: (decision: Decision) => Decision = (one) => one) {
  return openBootFor(db, facts, ip, { change })
}

eachDatabase('boots', (database) => {
  const stagesOf = async (id: string) => (await listBootEvents(database(), id)).map((one) => one.stage)

  test('opening a boot updates the facts, supersedes the unfinished boot and stores the decision', async () => {
    const { machine } = await saveMachine(database(), { mac }, {}, {}, 'tester')
    const first = await open(database())
    const second = await open(database())
    expect(await findBoot(database(), first.id)).toMatchObject({
      machineId: machine.id,
      outcome: 'superseded',
      endedAt: expect.any(Date),
    })
    expect(await findBoot(database(), second.id)).toMatchObject({
      machineId: machine.id,
      mac,
      ip,
      image: null,
      version: null,
      outcome: null,
      endedAt: null,
      decision: { spec: { kind: 'local' } },
    })
    expect(await findMachine(database(), { mac })).toMatchObject({ facts, lastSeenAt: expect.any(Date) })
    expect(await stagesOf(second.id)).toEqual(['script'])
  })

  test('downloads of firmware from the same address before the script belong to the boot', async () => {
    const recorder = startTestRecorder(database(), quiet)
    recorder.record({ ip, stage: 'nbp', file: 'ipxe.efi', bytes: 1_000_000, durationMs: 12 })
    recorder.record({ ip: '192.0.2.8', stage: 'nbp' })
    await recorder.stop()
    const { id } = await open(database())
    const events = await listBootEvents(database(), id)
    expect(events).toEqual([
      { ip, stage: 'nbp', file: 'ipxe.efi', bytes: 1_000_000, durationMs: 12, at: expect.any(Date) },
      { ip, stage: 'script', message: 'local', at: expect.any(Date) },
    ])
  })

  test('a boot of an unknown or deleted machine is opened without a machine', async () => {
    const stranger = await open(database())
    expect(await findBoot(database(), stranger.id)).toMatchObject({ machineId: null, mac })
    const { machine } = await saveMachine(database(), { mac }, {}, {}, 'tester')
    const decision = await decideFor(database(), facts)
    await deleteMachine(database(), { id: machine.id }, {}, 'tester')
    const keys = await openBootFor(database(), facts, ip, { change: () => decision })
    expect((await findBoot(database(), keys.id))?.machineId).toBeNull()
  })

  test('a refusal is recorded as a failed boot with the reason', async () => {
    await saveMachine(database(), { mac }, { denied: true }, {}, 'tester')
    const { id } = await open(database())
    expect(await findBoot(database(), id)).toMatchObject({
      outcome: 'failed',
      message: `machine ${mac} is denied`,
      endedAt: expect.any(Date),
    })
  })

  test('the first report of booted, installed or failed is the outcome; later reports are stored and change nothing', async () => {
    const { id, token } = await open(database())
    for (const report of ['ready', 'installing', 'installed', 'failed'] as const)
      expect(await recordReport(database(), token, report, ip, report)).toBe(true)
    expect(await findBoot(database(), id)).toMatchObject({ outcome: 'installed', message: 'installed' })
    expect(await stagesOf(id)).toEqual(['script', 'ready', 'installing', 'installed', 'failed'])
  })

  test('a superseded boot can still report its outcome', async () => {
    await saveMachine(database(), { mac }, {}, {}, 'tester')
    const first = await open(database())
    await open(database())
    await recordReport(database(), first.token, 'booted', ip, undefined)
    expect(await findBoot(database(), first.id)).toMatchObject({ outcome: 'booted', message: null })
  })

  test('a report of a boot that is not recorded is not written', async () => {
    expect(await recordReport(database(), testBootKeys().token, 'booted', ip, undefined)).toBe(false)
  })

  test('boots are listed newest first, and filtered by machine and outcome', async () => {
    const { machine } = await saveMachine(database(), { mac }, {}, {}, 'tester')
    const made = [await open(database()), await open(database())].map((keys) => keys.id)
    const list = async (...rest: [Parameters<typeof listBoots>[1], number, string?]) =>
      (await listBoots(database(), ...rest)).map((one) => made.indexOf(one.id))
    expect(await list({}, 10)).toEqual([1, 0])
    expect(await list({}, 10, made[1])).toEqual([0])
    expect(await list({ machineId: machine.id, outcome: 'open' }, 10)).toEqual([1])
    expect(await list({ outcome: 'superseded' }, 10)).toEqual([0])
    expect(await list({ outcome: 'booted' }, 10)).toEqual([])
  })
})
