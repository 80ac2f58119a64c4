import { pino } from 'pino'
import { v7 } from 'uuid'
import { expect, test } from 'vitest'
import { findTokenBoot } from '../../../src/inventory/boots/answer-access.ts'
import { findBoot, listBoots, pruneBoots } from '../../../src/inventory/boots/boots.ts'
import { armDeployment, findDeployment, listDeployments } from '../../../src/inventory/boots/deployments.ts'
import { listBootEvents } from '../../../src/inventory/boots/events.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { createImport, listImports, listOpenImports } from '../../../src/inventory/images/imports.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import type { Seen } from '../../../src/model/deployment.ts'
import { decideFor, openBoot, testSealer } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { startTestRecorder } from '../../helpers/journal.ts'
import { recordReport } from '../../helpers/reports.ts'

const mac = '52:54:00:77:00:01'
const ip = '192.0.2.44'
const facts = { mac, platform: 'efi', buildarch: 'x86_64' } as const
const minuteMs = 60_000
/** The clock offsets of servers that each serve one of several boots, in order. */
const clocks: [string, number[]][] = [
  ['one clock goes back by an hour', [0, -60 * minuteMs, -60 * minuteMs]],
  ['one clock goes back by a day, and forward again', [0, -1440 * minuteMs, 0, -1440 * minuteMs]],
  ['one of two clocks is two minutes ahead', [2 * minuteMs, 0, 2 * minuteMs, 0]],
  ['each clock is further behind', [0, -5 * minuteMs, -10 * minuteMs, -15 * minuteMs]],
]

eachDatabase('when the clocks of servers differ', (database) => {
  const open = async (shiftMs: number) => {
    const db = database()
    const id = v7({ msecs: Date.now() + shiftMs })
    const keys = { id, token: testSealer.tokenOf(id) }
    await openBoot(db, {
      ...keys,
      facts,
      ip,
      decision: await decideFor(db, facts),
      script: '#!ipxe\n',
      reports: true,
    })
    return keys
  }
  const report = (token: string, seen: Seen) => recordReport(database(), token, seen, ip, undefined)
  const arm = async (maxAttempts: number) => {
    const db = database()
    await saveImage(db, 'installer', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const { machine } = await saveMachine(db, { mac }, { assignment: { local: true } }, {}, 'tester')
    const order = { image: 'installer', assignment: {}, maxAttempts, windowSeconds: 3600 }
    return armDeployment(db, machine.id, order, false, 'tester')
  }

  test.each(clocks)(
    'each boot overtakes the previous boot, and the last ends the installation: %s',
    async (_, shifts) => {
      const { id } = await arm(10)
      const boots = []
      for (const [at, shift] of shifts.entries()) {
        const boot = await open(shift)
        boots.push(boot)
        for (const seen of ['ready', 'installing'] as const) await report(boot.token, seen)
        expect(await findDeployment(database(), id)).toMatchObject({ state: 'installing', attempts: at + 1 })
      }
      const overtaken = await Promise.all(boots.map(async ({ id }) => (await findTokenBoot(database(), id))?.overtaken))
      expect(overtaken).toEqual([...boots.slice(1).map(() => true), false])
      await report(boots[0]?.token ?? '', 'installed')
      expect((await findDeployment(database(), id))?.state).toBe('installing')
      await report(boots.at(-1)?.token ?? '', 'installed')
      expect((await findDeployment(database(), id))?.state).toBe('installed')
      expect((await decideFor(database(), facts)).deployment).toBeUndefined()
    },
  )

  test.each(clocks)('an install loop ends at its limit: %s', async (_, shifts) => {
    const { id } = await arm(shifts.length)
    for (const shift of shifts) await report((await open(shift)).token, 'ready')
    expect((await decideFor(database(), facts)).deployment).toBeUndefined()
    await report((await open(shifts[0] ?? 0)).token, 'ready')
    expect(await findDeployment(database(), id)).toMatchObject({ state: 'failed', attempts: shifts.length })
  })

  test.each(clocks)(
    'lists continue page by page in the order of events, and the oldest boots are deleted: %s',
    async (_, shifts) => {
      await arm(3)
      const made = []
      for (const shift of shifts) made.push((await open(shift)).id)
      const newest = [...made].reverse()
      const ids = async (limit: number, before?: string) =>
        (await listBoots(database(), {}, limit, before)).map(({ id }) => id)
      expect(await ids(10)).toEqual(newest)
      expect([...(await ids(2)), ...(await ids(10, newest[1]))]).toEqual(newest)
      await pruneBoots(database(), { days: 1000, max: 2 })
      expect(await ids(10)).toEqual(newest.slice(0, 2))
    },
  )

  test('a page after a deleted row is refused with the reason', async () => {
    await expect(listBoots(database(), {}, 10, v7())).rejects.toThrow('before: expected the `next` of a page')
    await expect(listDeployments(database(), {}, 10, v7())).rejects.toThrow('before: expected')
  })

  test('imports run in the order of their requests', async () => {
    const plan = { kind: 'recipe', recipe: 'x' } as const
    const made = []
    for (let n = 0; n < 3; n++) made.push(await createImport(database(), { image: undefined, plan, server: 's' }, 'me'))
    expect((await listOpenImports(database(), 's')).map(({ id }) => id)).toEqual(made.map(({ id }) => id))
    expect((await listImports(database(), {}, 5, made[2]?.id)).map(({ id }) => id)).toEqual([made[1]?.id, made[0]?.id])
  })

  test('a late download moves a boot only forward through the stages, and reports are never undone', async () => {
    await arm(3)
    const { id, token } = await open(-60 * minuteMs)
    const recorder = startTestRecorder(database(), pino({ level: 'silent' }))
    recorder.record({ bootId: id, ip, stage: 'kernel' })
    await recorder.flush()
    expect((await findBoot(database(), id))?.stage).toBe('kernel')
    recorder.record({ bootId: id, ip, stage: 'initrd' })
    await report(token, 'ready')
    await recorder.stop()
    expect((await findBoot(database(), id))?.stage).toBe('ready')
    expect((await listBootEvents(database(), id)).map(({ stage }) => stage).sort()).toEqual([
      'initrd',
      'kernel',
      'ready',
      'script',
    ])
  })
})
