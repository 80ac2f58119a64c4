// Tables of who may use the API.

import { pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { moment } from './columns.ts'

export const tokens = pgTable('tokens', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  hash: text('hash').notNull().unique(),
  createdAt: moment('created_at').notNull().defaultNow(),
  lastUsedAt: moment('last_used_at'),
  revokedAt: moment('revoked_at'),
})
