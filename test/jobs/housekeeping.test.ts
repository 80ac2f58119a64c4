import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { changes } from '../../src/db/schema/changes.ts'
import { findBoot, listBoots } from '../../src/inventory/boots/boots.ts'
import { listChanges, recordChanges } from '../../src/inventory/changes/changes.ts'
import { archiveMachine } from '../../src/inventory/machines/archive/archive.ts'
import { listArchived } from '../../src/inventory/machines/archive/archived.ts'
import { saveMachine } from '../../src/inventory/machines/machines.ts'
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

  test('deletes machines that were archived long ago, with their last values in the audit log', async () => {
    const db = database()
    const [old, fresh] = ['52:54:00:00:00:01', '52:54:00:00:00:02'] as const
    for (const mac of [old, fresh]) {
      await saveMachine(db, { mac }, { hostname: `n${mac.slice(-1)}` }, {}, 'ann')
      await archiveMachine(db, { mac }, 'ann')
    }
    await db.execute(sql`update archived_machines set archived_at = now() - interval '91 days' where name = 'n1'`)
    const housekeeping = startHousekeeping(settings, db, pino({ level: 'silent' }), { soonMs: 10, laterMs: 10 })
    const names = async () => (await listArchived(db, {}, 10)).map(({ name }) => name)
    await expect.poll(names, { timeout: 5000 }).toEqual(['n2'])
    await housekeeping.stop()
    expect(await listChanges(db, { type: 'machine.deleted' }, 10)).toMatchObject([
      { actor: 'bootwright', before: { hostname: 'n1', macs: [old] } },
    ])
  })
})
