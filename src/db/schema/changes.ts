// Tables of the audit log and of the webhooks that are sent from it.

import { sql } from 'drizzle-orm'
import { bigint, bigserial, boolean, index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { history, moment } from './columns.ts'

/** The changes, with actor, old and new values. The audit log, the change feed and the webhooks read them. */
export const changes = pgTable(
  'changes',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** The transaction. Readers follow in this order, and only up to the oldest open transaction. */
    tx: bigint('tx', { mode: 'number' }).notNull().default(sql`(pg_current_xact_id()::text)::bigint`),
    at: moment('at').notNull().defaultNow(),
    actor: text('actor').notNull(),
    /** `machine.changed`, `deployment.installed`, … */
    type: text('type').notNull(),
    /** The changed thing: a machine's id, a group's name, … */
    subject: text('subject').notNull(),
    before: jsonb('before'),
    after: jsonb('after'),
  },
  (table) => [
    index('changes_order').on(table.tx, table.id),
    index('changes_subject').on(table.subject, table.id),
    index('changes_at').on(table.at),
  ],
)

export const webhooks = pgTable('webhooks', {
  id: uuid('id').primaryKey(),
  url: text('url').notNull(),
  /** Prefixes of the types of changes to send; an empty list means all. */
  types: jsonb('types').$type<string[]>().notNull(),
  /** The sealed secret that signs its messages. */
  sealed: text('sealed').notNull(),
  active: boolean('active').notNull().default(true),
  /** The last change that was queued for it. */
  cursorTx: bigint('cursor_tx', { mode: 'number' }).notNull(),
  cursorId: bigint('cursor_id', { mode: 'number' }).notNull(),
  ...history(),
})

/** Messages that are not delivered yet, and dead ones. */
export const webhookDeliveries = pgTable(
  'webhook_deliveries',
  {
    id: uuid('id').primaryKey(),
    webhookId: uuid('webhook_id')
      .notNull()
      .references(() => webhooks.id, { onDelete: 'cascade' }),
    changeId: bigint('change_id', { mode: 'number' }).notNull(),
    body: text('body').notNull(),
    attempts: integer('attempts').notNull().default(0),
    nextAt: moment('next_at').notNull().defaultNow(),
    dead: boolean('dead').notNull().default(false),
    error: text('error'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    index('webhook_deliveries_due').on(table.nextAt).where(sql`not ${table.dead}`),
    index('webhook_deliveries_webhook').on(table.webhookId, table.id),
  ],
)
