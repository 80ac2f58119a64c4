// Tables of the synchronization with other inventories, and of archived machines.

import { sql } from 'drizzle-orm'
import { index, jsonb, pgTable, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import type { MachineSource } from '../../model/identity/field-owners.ts'
import { moment } from './columns.ts'
import { machines } from './machines.ts'

/** Which owner names which machine, with the id that the machine has in the inventory of the owner. */
export const machineSources = pgTable(
  'machine_sources',
  {
    owner: text('owner').notNull(),
    machineId: uuid('machine_id')
      .notNull()
      .references(() => machines.id, { onDelete: 'cascade' }),
    externalId: text('external_id'),
  },
  (table) => [
    primaryKey({ columns: [table.owner, table.machineId] }),
    uniqueIndex('machine_sources_external').on(table.owner, table.externalId),
    index('machine_sources_machine').on(table.machineId),
  ],
)

/** A machine that was taken out of use. It decides nothing: its row, and all rows that depended on it, are kept as JSON. */
export const archivedMachines = pgTable(
  'archived_machines',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    macs: jsonb('macs').$type<string[]>().notNull(),
    sources: jsonb('sources').$type<MachineSource[]>().notNull(),
    /** The row of the table of machines. */
    machine: jsonb('machine').$type<Record<string, unknown>>().notNull(),
    /** The rows that were deleted with the machine, by table. */
    kept: jsonb('kept').$type<Record<string, Record<string, unknown>[]>>().notNull(),
    /** The ids of its boots, which stay. */
    boots: jsonb('boots').$type<string[]>().notNull(),
    archivedAt: moment('archived_at').notNull().defaultNow(),
    archivedBy: text('archived_by').notNull(),
    reason: text('reason').notNull(),
  },
  (table) => [
    index('archived_machines_at').on(table.archivedAt),
    index('archived_machines_macs').using('gin', table.macs),
    index('archived_machines_sources').using('gin', sql`${table.sources} jsonb_path_ops`),
  ],
)
