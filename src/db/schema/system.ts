// Tables of what all servers on one database share.

import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { ForeignServerEvidence, ForeignServerRole } from '../../model/foreign-server.ts'
import { moment } from './columns.ts'

/** One row: triggers increment the revision when something changes that every script depends on (inventory/boots/catalog.ts). */
export const catalog = pgTable('catalog', {
  id: integer('id').primaryKey(),
  revision: bigint('revision', { mode: 'number' }).notNull(),
})

/** Answers to POST requests that were sent with an Idempotency-Key, so that a repeated one gets the same. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    /** The id of the token or the person, or the name of the actor without one. */
    actor: text('actor').notNull(),
    key: text('key').notNull(),
    /** Of the method, the path and the body. */
    requestHash: text('request_hash').notNull(),
    status: integer('status').notNull(),
    /** The answer, sealed: it may hold a new token. */
    sealed: text('sealed').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.actor, table.key] })],
)

/** DHCP and boot servers that are not this one, as they were seen on the network. */
export const foreignServers = pgTable(
  'foreign_servers',
  {
    id: uuid('id').primaryKey(),
    address: text('address').notNull(),
    role: text('role').$type<ForeignServerRole>().notNull(),
    /** The interface of the server that saw it; empty if unknown. Two networks may have the same address. */
    interface: text('interface').notNull().default(''),
    evidence: text('evidence').$type<ForeignServerEvidence>().notNull(),
    mac: text('mac'),
    vendor: text('vendor'),
    /** The boot file that it offered. */
    file: text('file'),
    /** The MAC of the last machine that it answered. */
    client: text('client'),
    count: bigint('count', { mode: 'number' }).notNull().default(1),
    firstSeenAt: moment('first_seen_at').notNull().defaultNow(),
    lastSeenAt: moment('last_seen_at').notNull().defaultNow(),
    acknowledgedAt: moment('acknowledged_at'),
    acknowledgedBy: text('acknowledged_by'),
    note: text('note'),
  },
  (table) => [
    uniqueIndex('foreign_servers_key').on(table.address, table.role, table.interface),
    index('foreign_servers_seen').on(table.lastSeenAt),
  ],
)

/** One row: the values that all servers on this database share. */
export const installation = pgTable(
  'installation',
  {
    id: integer('id').primaryKey(),
    /** Which key secrets are sealed with, without telling the key. */
    secretKeyId: text('secret_key_id'),
    /** Which store has the files of images. */
    storeId: text('store_id'),
    /** The newest program that opened the database. */
    programVersion: text('program_version'),
  },
  (table) => [check('installation_one_row', sql`${table.id} = 1`)],
)

const transactionId = customType<{ data: string }>({ dataType: () => 'xid8' })
const snapshot = customType<{ data: string }>({ dataType: () => 'pg_snapshot' })

/**
 * Which machines and boots changed, for the rosters of all servers (inventory/roster/). Triggers write one row for each
 * machine or boot and statement. An hour after all servers could see a row, housekeeping deletes it.
 */
export const rosterChanges = pgTable(
  'roster_changes',
  {
    /** The transaction that wrote the row: it tells whether a snapshot sees the row. */
    xid: transactionId('xid').notNull().default(sql`pg_current_xact_id()`),
    /** `all` after TRUNCATE. */
    kind: text('kind').$type<'machine' | 'boot' | 'all'>().notNull(),
    /** The id of the machine or boot. */
    key: text('key').notNull(),
    /** Host names that the machine got or lost: they decide the names of other machines. */
    hostnames: text('hostnames').array(),
  },
  (table) => [index('roster_changes_xid').on(table.xid)],
)

/** One row: which rows of `roster_changes` were deleted, and which are next. */
export const rosterHorizon = pgTable(
  'roster_horizon',
  {
    id: integer('id').primaryKey(),
    /** The rows that this snapshot sees are deleted. A server that saw less has to read everything again. */
    deleted: snapshot('deleted').notNull(),
    /** The rows that this snapshot sees are deleted next. */
    marked: snapshot('marked').notNull(),
    markedAt: moment('marked_at').notNull().defaultNow(),
  },
  (table) => [check('roster_horizon_one_row', sql`${table.id} = 1`)],
)
