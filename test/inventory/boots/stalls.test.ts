import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { changes } from '../../../src/db/schema/changes.ts'
import { findBoot, listBoots, markStalledBoots, pruneBoots } from '../../../src/inventory/boots/boots.ts'
import type { Report } from '../../../src/model/boot.ts'
import type { BootSpec } from '../../../src/model/decision.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { startTestRecorder } from '../../helpers/journal.ts'
import { recordReport } from '../../helpers/reports.ts'

const ip = '192.0.2.7'
const facts = { mac: '52:54:00:12:34:56', platform: 'efi', buildarch: 'x86_64' } as const
const ago = (db: Db, interval: string) =>
  db.execute(
    sql`update boots set moved_at = now() - ${interval}::interval, started_at = started_at - ${interval}::interval`,
  )
const specOf = (kind: string) => ({ kind }) as BootSpec
const open = (db: Db, { kind = 'linux', reports = true } = {}) =>
  openBootFor(db, facts, ip, { reports, change: (one) => ({ ...one, spec: specOf(kind) }) })

eachDatabase('a boot', (database) => {
  const outcomeOf = async (id: string) => {
    const { outcome, message } = (await findBoot(database(), id)) ?? {}
    return [outcome, message]
  }
  const fetched = async (bootId: string, stage: 'kernel' | 'initrd') => {
    const recorder = startTestRecorder(database(), pino({ level: 'silent' }))
    recorder.record({ bootId, ip, stage, file: 'x', bytes: 1, durationMs: 1 })
    await recorder.stop()
  }

  test.each<[string, string, RegExp]>([
    ['script', '4 minutes', /^stalled at script: iPXE has its script but requested no file/],
    ['kernel', '11 minutes', /^stalled at kernel: the initrd was not loaded/],
    ['ready', '21 minutes', /^stalled at ready: no report since the kernel started/],
    ['answer-file', '121 minutes', /^stalled at answer-file: no report since the installer got its answer file/],
    ['installing', '241 minutes', /^stalled at installing: the installer did not finish/],
  ])('that stays at %s for %s is stalled, with the likely causes', async (stage, interval, message) => {
    const { id, token } = await open(database())
    if (stage === 'kernel') await fetched(id, 'kernel')
    else if (stage !== 'script') await recordReport(database(), token, stage as Report, ip, undefined)
    await ago(database(), '1 minute')
    expect(await markStalledBoots(database())).toEqual([])
    await ago(database(), interval)
    expect(await markStalledBoots(database())).toHaveLength(1)
    expect(await outcomeOf(id)).toEqual(['stalled', expect.stringMatching(message)])
    expect(await markStalledBoots(database())).toEqual([])
    expect((await database().select().from(changes)).map((one) => one.type)).toEqual(['boot.stalled'])
  })

  test('of Windows PE has the limit of an installer, because it has its answer file when it starts', async () => {
    const { id, token } = await open(database(), { kind: 'wimboot' })
    await recordReport(database(), token, 'answer-file', ip, 'autounattend.xml')
    await recordReport(database(), token, 'ready', ip, undefined)
    await ago(database(), '21 minutes')
    expect(await markStalledBoots(database())).toEqual([])
    await ago(database(), '121 minutes')
    expect(await markStalledBoots(database())).toHaveLength(1)
    expect(await outcomeOf(id)).toEqual(['stalled', expect.stringMatching(/^stalled at answer-file/)])
  })

  test('is no longer stalled when it moves again, by a file or by a report', async () => {
    const { id, token } = await open(database())
    await ago(database(), '1 hour')
    await markStalledBoots(database())
    await fetched(id, 'kernel')
    expect(await outcomeOf(id)).toEqual([null, null])
    await ago(database(), '1 hour')
    await markStalledBoots(database())
    await recordReport(database(), token, 'installing', ip, undefined)
    expect(await outcomeOf(id)).toEqual([null, null])
    await ago(database(), '5 hours')
    await markStalledBoots(database())
    await recordReport(database(), token, 'booted', ip, 'up')
    expect(await outcomeOf(id)).toEqual(['booted', 'up'])
  })

  test('that shows a menu waits for input and does not stall', async () => {
    await open(database(), { kind: 'menu' })
    await ago(database(), '9 days')
    expect(await markStalledBoots(database())).toEqual([])
  })

  test('is handed over when it is ready, if its system does not report', async () => {
    for (const kind of ['linux', 'local', 'wimboot', 'sanboot']) {
      const { id, token } = await open(database(), { kind, reports: false })
      await recordReport(database(), token, 'ready', ip, undefined)
      expect(await outcomeOf(id)).toEqual(['handed-over', null])
      await recordReport(database(), token, 'booted', ip, 'after all')
      expect(await outcomeOf(id)).toEqual(['booted', 'after all'])
    }
  })

  test('is deleted by age and by count, the oldest first', async () => {
    const made = []
    for (let count = 0; count < 5; count++) made.push((await open(database())).id)
    await database().execute(sql`update boots set started_at = now() - interval '91 days' where id = ${made[0]}`)
    await pruneBoots(database(), { days: 90, max: 100 })
    expect((await listBoots(database(), {}, 10)).map((one) => one.id)).toEqual(made.slice(1).reverse())
    await pruneBoots(database(), { days: 90, max: 2 })
    expect((await listBoots(database(), {}, 10)).map((one) => one.id)).toEqual(made.slice(3).reverse())
  })
})
