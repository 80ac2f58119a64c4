// The queue and the history of power: requests, who made them, and how they ended.

import { sql } from 'drizzle-orm'
import { boolean, index, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import type { PowerAction, PowerState, ReportedPower } from '../../model/power/power.ts'
import { deployments } from './boots.ts'
import { moment, order } from './columns.ts'
import { machines } from './machines.ts'

export const powerRequests = pgTable(
  'power_requests',
  {
    id: uuid('id').primaryKey(),
    ...order(),
    machineId: uuid('machine_id')
      .notNull()
      .references(() => machines.id, { onDelete: 'cascade' }),
    /** The deployment that this request begins. If it ends first, the machine is left alone. */
    deploymentId: uuid('deployment_id').references(() => deployments.id, { onDelete: 'cascade' }),
    /** Requests of one action on many machines have the same batch. */
    batch: uuid('batch'),
    action: text('action').$type<PowerAction>().notNull(),
    network: boolean('network').notNull(),
    force: boolean('force').notNull(),
    state: text('state').$type<PowerState>().notNull().default('waiting'),
    /** The power of the machine after the action, as its BMC reports it. */
    power: text('power').$type<ReportedPower>(),
    /** The result, or the reason of the failure. */
    message: text('message'),
    askedBy: text('asked_by').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    startedAt: moment('started_at'),
    /** The server that runs the request must end it before this time. */
    leaseUntil: moment('lease_until'),
    endedAt: moment('ended_at'),
  },
  (table) => [
    uniqueIndex('power_requests_open').on(table.machineId).where(sql`${table.endedAt} is null`),
    index('power_requests_machine').on(table.machineId, table.seq),
    index('power_requests_order').on(table.seq),
    index('power_requests_queue').on(table.state, table.seq).where(sql`${table.endedAt} is null`),
    index('power_requests_deployment').on(table.deploymentId, table.seq),
    index('power_requests_batch').on(table.batch, table.seq),
  ],
)
