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
import type { DhcpClientKind, DhcpEventKind, Outcome, Stage } from '../../model/boot.ts'
import type { Decision } from '../../model/decision.ts'
import type { DeploymentState, Seen } from '../../model/deployment.ts'
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
    /** The image's current version at arming; null: the version that is current when the machine boots. */
    version: integer('version'),
    /** Deployments armed together have the same batch. */
    batch: uuid('batch'),
    /** The deployment's assignment besides the image: args, answer file, params. */
    assignment: jsonb('assignment').$type<Assignment>().notNull(),
    state: text('state').$type<DeploymentState>().notNull().default('armed'),
    attempts: integer('attempts').notNull().default(0),
    maxAttempts: integer('max_attempts').notNull(),
    windowSeconds: integer('window_seconds').notNull(),
    /** Why it failed or was cancelled, or the machine's message when it was installed. */
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
    index('deployments_batch').on(table.batch, table.state),
    index('deployments_running').on(table.batch, table.seq).where(isActiveSql(table.state)),
  ],
)

/** Of a batch that armed only a share of the chosen machines: the others. */
export const batchOthers = pgTable('batch_others', {
  batch: uuid('batch').primaryKey(),
  machineIds: jsonb('machine_ids').$type<string[]>().notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
})

export const boots = pgTable(
  'boots',
  {
    id: uuid('id').primaryKey(),
    ...order(),
    machineId: uuid('machine_id').references(() => machines.id, { onDelete: 'set null' }),
    mac: text('mac'),
    ip: text('ip').notNull(),
    image: text('image'),
    version: integer('version'),
    decision: jsonb('decision').$type<Decision>().notNull(),
    /** Null while the boot continues. */
    outcome: text('outcome').$type<Outcome>(),
    message: text('message'),
    /** The facts that the machine reported when it asked for the script. */
    facts: jsonb('facts').$type<Facts>().notNull().default({}),
    deploymentId: uuid('deployment_id').references(() => deployments.id, { onDelete: 'set null' }),
    /** The script as it was served, without its token. */
    script: text('script').notNull().default(''),
    /** The machine went past its script: iPXE was about to jump, or an installer asked for its answers. */
    progressed: boolean('progressed').notNull().default(false),
    /** The last stage, and when the boot reached it. */
    stage: text('stage').$type<Stage>().notNull().default('script'),
    movedAt: moment('moved_at').notNull().defaultNow(),
    /** The installer's last named step, and the time of the last report: a system may report without a new step. */
    progress: text('progress'),
    heardAt: moment('heard_at'),
    /** The booted system is expected to report, so that silence means something. */
    reports: boolean('reports').notNull().default(false),
    startedAt: moment('started_at').notNull().defaultNow(),
    endedAt: moment('ended_at'),
  },
  (table) => [
    index('boots_machine').on(table.machineId, table.seq),
    index('boots_order').on(table.seq),
    index('boots_ip').on(table.ip, table.seq),
    index('boots_mac').on(table.mac, table.seq).where(sql`${table.machineId} is null`),
    index('boots_open').on(table.movedAt).where(sql`${table.outcome} is null`),
    index('boots_unwell').on(table.outcome, table.machineId).where(sql`${table.outcome} in ('failed', 'stalled')`),
    // The boots of a machine that its next boot ends.
    index('boots_unfinished').on(table.machineId).where(sql`${table.outcome} is null or ${table.outcome} = 'stalled'`),
    index('boots_stalled').on(table.movedAt).where(sql`${table.outcome} = 'stalled'`),
    // Boots that servers answer from memory while the database is away.
    index('boots_answered')
      .on(table.seq)
      .where(
        sql`(${table.deploymentId} is not null or ${table.decision} ? 'answerFile') and (${table.outcome} is null or ${table.outcome} in ('stalled', 'superseded'))`,
      ),
    // All that a count of outcomes needs, so that it reads no rows.
    index('boots_started').on(table.startedAt, table.outcome, table.image),
  ],
)

export const bootEvents = pgTable(
  'boot_events',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** Null before the script: firmware has no boot. The event joins the boot that opens for the MAC, or at the address. */
    bootId: uuid('boot_id').references(() => boots.id, { onDelete: 'cascade' }),
    /** `0.0.0.0`: the machine had no address, as in DHCP. */
    ip: text('ip').notNull(),
    /** Null if the protocol carries no MAC: TFTP and HTTP. */
    mac: text('mac'),
    stage: text('stage').notNull(),
    /** Of DHCP: what happened, and which client asked. */
    kind: text('kind').$type<DhcpEventKind>(),
    client: text('client').$type<DhcpClientKind>(),
    file: text('file'),
    bytes: bigint('bytes', { mode: 'number' }),
    durationMs: integer('duration_ms'),
    message: text('message'),
    at: moment('at').notNull().defaultNow(),
  },
  (table) => [
    index('boot_events_boot').on(table.bootId),
    index('boot_events_ip').on(table.ip, table.at).where(sql`${table.bootId} is null`),
    index('boot_events_stray').on(table.at).where(sql`${table.bootId} is null`),
    index('boot_events_mac').on(table.mac, table.at).where(sql`${table.bootId} is null and ${table.mac} is not null`),
  ],
)

/** How much of each journal is written: one row for each start of a server. */
export const journalRuns = pgTable('journal_runs', {
  run: uuid('run').primaryKey(),
  /** The offset in the journal of the first record that is not written. */
  position: bigint('position', { mode: 'number' }).notNull(),
  at: moment('at').notNull().defaultNow(),
})

/** Reports whose boot is not recorded yet, because the server that opened it is slow or down. */
export const earlyReports = pgTable(
  'early_reports',
  {
    id: uuid('id').primaryKey(),
    ...order(),
    bootId: uuid('boot_id').notNull(),
    seen: text('seen').$type<Seen>().notNull(),
    ip: text('ip').notNull(),
    message: text('message'),
    at: moment('at').notNull().defaultNow(),
  },
  (table) => [index('early_reports_boot').on(table.bootId)],
)
