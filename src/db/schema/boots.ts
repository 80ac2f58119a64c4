// Tables of deployments, boots and what was seen of them.

import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { Assignment } from '../../model/assignment.ts'
import type { Outcome, Stage } from '../../model/boot.ts'
import type { Decision } from '../../model/decision.ts'
import type { DeploymentState } from '../../model/deployment.ts'
import type { Facts } from '../../model/facts.ts'
import { isActiveSql } from '../deployment-conditions.ts'
import { moment, order } from './columns.ts'
import { machines } from './machines.ts'

export const deployments = pgTable(
  'deployments',
  {
    id: uuid('id').primaryKey(),
    ...order(),
    machineId: uuid('machine_id')
      .notNull()
      .references(() => machines.id, { onDelete: 'cascade' }),
    image: text('image').notNull(),
    /** The image's version that was current when it was armed; null: whichever is current when the machine boots. */
    version: integer('version'),
    /** What was armed together has the same. */
    batch: uuid('batch'),
    /** What it says besides the image: args, answer file, params. */
    assignment: jsonb('assignment').$type<Assignment>().notNull(),
    state: text('state').$type<DeploymentState>().notNull().default('armed'),
    attempts: integer('attempts').notNull().default(0),
    maxAttempts: integer('max_attempts').notNull(),
    windowSeconds: integer('window_seconds').notNull(),
    /** Why it failed or was cancelled; what the machine said when it was installed. */
    reason: text('reason'),
    armedBy: text('armed_by').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
  },
  (table) => [
    uniqueIndex('deployments_active').on(table.machineId).where(isActiveSql(table.state)),
    index('deployments_machine').on(table.machineId, table.seq),
    index('deployments_state').on(table.state, table.seq),
    index('deployments_order').on(table.seq),
    index('deployments_batch').on(table.batch),
  ],
)

export const boots = pgTable(
  'boots',
  {
    id: uuid('id').primaryKey(),
    ...order(),
    tokenHash: text('token_hash').notNull().unique(),
    machineId: uuid('machine_id').references(() => machines.id, { onDelete: 'set null' }),
    mac: text('mac'),
    ip: text('ip').notNull(),
    image: text('image'),
    version: integer('version'),
    decision: jsonb('decision').$type<Decision>().notNull(),
    /** Undefined while the boot goes on. */
    outcome: text('outcome').$type<Outcome>(),
    message: text('message'),
    /** What the machine said of itself when it asked for the script. */
    facts: jsonb('facts').$type<Facts>().notNull().default({}),
    deploymentId: uuid('deployment_id').references(() => deployments.id, { onDelete: 'set null' }),
    /** The script as it was served, without its token. */
    script: text('script').notNull().default(''),
    /** The machine went past its script with it: iPXE was about to jump, or an installer asked for its answers. */
    progressed: boolean('progressed').notNull().default(false),
    /** The last thing seen, and when. */
    stage: text('stage').$type<Stage>().notNull().default('script'),
    movedAt: moment('moved_at').notNull().defaultNow(),
    /** The step that the installer named last, and when its system last reported anything: it may report without moving. */
    progress: text('progress'),
    heardAt: moment('heard_at'),
    /** A report of the booted system is to be expected, so that its absence means something. */
    reports: boolean('reports').notNull().default(false),
    startedAt: moment('started_at').notNull().defaultNow(),
    endedAt: moment('ended_at'),
  },
  (table) => [
    index('boots_machine').on(table.machineId, table.seq),
    index('boots_order').on(table.seq),
    index('boots_open').on(table.movedAt).where(sql`${table.outcome} is null`),
  ],
)

export const bootEvents = pgTable(
  'boot_events',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** Null for what is seen before the script: firmware gives an address, not a boot. Joined to the boot when that opens. */
    bootId: uuid('boot_id').references(() => boots.id, { onDelete: 'cascade' }),
    ip: text('ip').notNull(),
    stage: text('stage').notNull(),
    file: text('file'),
    bytes: bigint('bytes', { mode: 'number' }),
    durationMs: integer('duration_ms'),
    message: text('message'),
    at: moment('at').notNull().defaultNow(),
  },
  (table) => [
    index('boot_events_boot').on(table.bootId),
    index('boot_events_ip').on(table.ip, table.at).where(sql`${table.bootId} is null`),
  ],
)
