// Tables of rollouts, which arm or assign machines in waves.

import { sql } from 'drizzle-orm'
import { boolean, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import type { Assignment } from '../../model/assignment.ts'
import type { ArmedPower } from '../../model/power/power.ts'
import type {
  FailureBound,
  RolloutAction,
  RolloutMachineState,
  RolloutOrder,
  RolloutState,
} from '../../model/rollout/rollout.ts'
import type { Wave } from '../../model/rollout/waves.ts'
import type { Window } from '../../model/rollout/window.ts'
import type { Condition } from '../../model/selector.ts'
import { history, moment, order } from './columns.ts'
import { machines } from './machines.ts'

export const rollouts = pgTable(
  'rollouts',
  {
    /** Also the batch of its deployments. */
    id: uuid('id').primaryKey(),
    ...order(),
    action: text('action').$type<RolloutAction>().notNull(),
    image: text('image').notNull(),
    /** The version that was current when the rollout was created, or the one that was asked for. */
    version: integer('version').notNull(),
    assignment: jsonb('assignment').$type<RolloutOrder['assignment']>().notNull(),
    force: boolean('force').notNull(),
    /** Of deploy: how armed machines are powered; null for not at all. */
    power: text('power').$type<ArmedPower>(),
    maxAttempts: integer('max_attempts').notNull(),
    windowSeconds: integer('window_seconds').notNull(),
    waves: jsonb('waves').$type<Wave[]>().notNull(),
    bound: jsonb('bound').$type<FailureBound>().notNull(),
    patienceSeconds: integer('patience_seconds').notNull(),
    window: jsonb('window').$type<Window>(),
    /** The conditions that chose the machines; null for a list. */
    selector: jsonb('selector').$type<Condition[]>(),
    state: text('state').$type<RolloutState>().notNull(),
    wave: integer('wave').notNull().default(0),
    /** Failures that a person accepted by resuming the rollout. */
    accepted: integer('accepted').notNull().default(0),
    /** Why the rollout stopped or ended. */
    reason: text('reason'),
    createdBy: text('created_by').notNull(),
    ...history(),
    endedAt: moment('ended_at'),
  },
  (table) => [
    index('rollouts_order').on(table.seq),
    index('rollouts_open').on(table.seq).where(sql`${table.state} in ('running', 'paused', 'stopped')`),
  ],
)

/** The machines of a rollout, as they were chosen when it was created. */
export const rolloutMachines = pgTable(
  'rollout_machines',
  {
    rolloutId: uuid('rollout_id')
      .notNull()
      .references(() => rollouts.id, { onDelete: 'cascade' }),
    machineId: uuid('machine_id')
      .notNull()
      .references(() => machines.id, { onDelete: 'cascade' }),
    /** The place in the order of a stable hash, from 0 on. */
    place: integer('place').notNull(),
    wave: integer('wave').notNull(),
    state: text('state').$type<RolloutMachineState>().notNull().default('waiting'),
    /** How often the machine was armed or assigned. */
    attempt: integer('attempt').notNull().default(0),
    /** Of deploy: the deployment of the last attempt. */
    deploymentId: uuid('deployment_id'),
    /** Of deploy: the deployment that installed the machine before. */
    formerDeploymentId: uuid('former_deployment_id'),
    /** Of assign: the assignment before the rollout, and the one that the rollout gave; null for none. */
    former: jsonb('former').$type<Assignment>(),
    given: jsonb('given').$type<Assignment>(),
    reason: text('reason'),
    /** When the machine was armed or assigned, began and ended, in the last attempt. */
    actedAt: moment('acted_at'),
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
  },
  (table) => [
    primaryKey({ columns: [table.rolloutId, table.machineId] }),
    index('rollout_machines_state').on(table.rolloutId, table.wave, table.state, table.place),
    index('rollout_machines_machine').on(table.machineId),
    // Machines whose state can change although the rollout has ended.
    index('rollout_machines_moving').on(table.rolloutId).where(sql`${table.state} in ('armed', 'running')`),
  ],
)
