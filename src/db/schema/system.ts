// Tables of what all servers on one database share.

import { sql } from 'drizzle-orm'
import { bigint, check, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
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
