import {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import type { Decision } from '../inventory/decision.ts'
import type { Facts } from '../inventory/facts.ts'
import type { Variant } from '../inventory/images.ts'
import type { Assignment } from '../inventory/machines.ts'
import type { Policy } from '../inventory/policy.ts'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

export const machines = pgTable(
  'machines',
  {
    /** UUIDv7: ids in the order of creation, which the lists page by. */
    id: uuid('id').primaryKey(),
    /** True until an operator has said something about it. */
    discovered: boolean('discovered').notNull(),
    denied: boolean('denied').notNull().default(false),
    uuid: text('uuid'),
    serial: text('serial'),
    product: text('product'),
    asset: text('asset'),
    hostname: text('hostname'),
    labels: jsonb('labels').$type<Record<string, string>>().notNull().default({}),
    assignment: jsonb('assignment').$type<Assignment>(),
    facts: jsonb('facts').$type<Facts>().notNull().default({}),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    lastSeenAt: moment('last_seen_at'),
  },
  (table) => [
    index('machines_uuid').on(table.uuid),
    index('machines_serial').on(table.serial),
    index('machines_hostname').on(table.hostname),
  ],
)

export const machineMacs = pgTable(
  'machine_macs',
  {
    mac: text('mac').primaryKey(),
    machineId: uuid('machine_id')
      .notNull()
      .references(() => machines.id, { onDelete: 'cascade' }),
  },
  (table) => [index('machine_macs_machine').on(table.machineId)],
)

export const files = pgTable('files', {
  sha256: text('sha256').primaryKey(),
  name: text('name').notNull(),
  sizeBytes: bigint('size_bytes', { mode: 'number' }).notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
})

export const images = pgTable('images', {
  name: text('name').primaryKey(),
  title: text('title').notNull(),
  currentVersion: integer('current_version').notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
})

export const imageVersions = pgTable(
  'image_versions',
  {
    image: text('image')
      .notNull()
      .references(() => images.name, { onDelete: 'cascade' }),
    version: integer('version').notNull(),
    variants: jsonb('variants').$type<Variant[]>().notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.image, table.version] })],
)

export const boots = pgTable(
  'boots',
  {
    id: uuid('id').primaryKey(),
    tokenHash: text('token_hash').notNull().unique(),
    machineId: uuid('machine_id').references(() => machines.id, { onDelete: 'set null' }),
    mac: text('mac'),
    ip: text('ip').notNull(),
    image: text('image'),
    version: integer('version'),
    decision: jsonb('decision').$type<Decision>().notNull(),
    /** Undefined while the boot goes on. */
    outcome: text('outcome').$type<'booted' | 'installed' | 'failed' | 'superseded'>(),
    message: text('message'),
    startedAt: moment('started_at').notNull().defaultNow(),
    endedAt: moment('ended_at'),
  },
  (table) => [index('boots_machine').on(table.machineId, table.id)],
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
  (table) => [index('boot_events_boot').on(table.bootId), index('boot_events_ip').on(table.ip, table.at)],
)

export const policies = pgTable('policies', {
  /** One row: what machines boot that nothing else speaks for. */
  id: integer('id').primaryKey(),
  policy: jsonb('policy').$type<Policy>().notNull(),
})

export const tokens = pgTable('tokens', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  hash: text('hash').notNull().unique(),
  createdAt: moment('created_at').notNull().defaultNow(),
  lastUsedAt: moment('last_used_at'),
  revokedAt: moment('revoked_at'),
})
