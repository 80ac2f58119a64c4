import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { changes } from '../../src/db/schema/changes.ts'
import { findBoot, listBoots } from '../../src/inventory/boots/boots.ts'
import { recordChanges } from '../../src/inventory/changes/changes.ts'
import { startHousekeeping } from '../../src/jobs/housekeeping.ts'
import { openBootFor } from '../helpers/boots.ts'
import { eachDatabase } from '../helpers/database.ts'

eachDatabase('housekeeping', (database) => {
  const facts = { mac: '52:54:00:12:34:56', platform: 'efi', buildarch: 'x86_64' } as const
  const settings = {
    vacuums: true,
    keepBootsDays: 30,
    maxBoots: 100,
    keepDiscoveredDays: 30,
    keepArchivedDays: 90,
    keepChangesDays: 10,
    keepRolloutsDays: 100,
    sessionIdleHours: 12,
  }

  test('marks stalled boots and deletes old records at each interval, until it is stopped', async () => {
    const db = database()
    const old = await openBootFor(db, facts, '192.0.2.1')
    await db.execute(sql`update boots set started_at = now() - interval '31 days'`)
    const stuck = await openBootFor(db, facts, '192.0.2.1')
    await db.execute(sql`update boots set moved_at = now() - interval '1 hour'`)
    await db.transaction((tx) => recordChanges(tx, [{ actor: 'x', type: 'group.changed', subject: 'old' }]))
    await db.execute(sql`update changes set at = now() - interval '11 days' where subject = 'old'`)
    const housekeeping = startHousekeeping(settings, db, pino({ level: 'silent' }), { soonMs: 10, laterMs: 10 })
    await expect.poll(async () => (await findBoot(db, stuck.id))?.outcome, { timeout: 5000 }).toBe('stalled')
    await expect
      .poll(async () => (await listBoots(db, {}, 10)).map(({ id }) => id), { timeout: 5000 })
      .toEqual([stuck.id])
    const subjects = async () => (await db.select().from(changes)).map(({ subject }) => subject)
    await expect.poll(subjects, { timeout: 5000 }).not.toContain('old')
    expect(await findBoot(db, old.id)).toBeUndefined()
    await housekeeping.stop()
    const last = await openBootFor(db, facts, '192.0.2.1')
    await db.execute(sql`update boots set moved_at = now() - interval '1 hour'`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await findBoot(db, last.id))?.outcome).toBeNull()
  })
})
