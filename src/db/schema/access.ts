// Tables of who may use the API and the page.

import { sql } from 'drizzle-orm'
import { index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import type { Role } from '../../model/access/role.ts'
import { history, moment } from './columns.ts'

export const tokens = pgTable('tokens', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  hash: text('hash').notNull().unique(),
  role: text('role').$type<Role>().notNull().default('admin'),
  /** The labels that the machines of the token have; null for all machines. */
  scope: jsonb('scope').$type<Record<string, string>>(),
  createdAt: moment('created_at').notNull().defaultNow(),
  lastUsedAt: moment('last_used_at'),
  expiresAt: moment('expires_at'),
  revokedAt: moment('revoked_at'),
})

/** People who sign in to the page. */
export const people = pgTable(
  'people',
  {
    id: uuid('id').primaryKey(),
    /** The sign-in name, in lower case. */
    name: text('name').notNull().unique(),
    role: text('role').$type<Role>().notNull(),
    /** The Argon2id hash in PHC format; null for a person who signs in with OpenID Connect only. */
    password: text('password'),
    /** The identity at the OpenID provider. */
    issuer: text('issuer'),
    oidcSubject: text('oidc_subject'),
    lastSignInAt: moment('last_sign_in_at'),
    disabledAt: moment('disabled_at'),
    ...history(),
  },
  (table) => [unique('people_oidc').on(table.issuer, table.oidcSubject)],
)

/** One-time links: with one, a person sets a password. */
export const passwordLinks = pgTable('password_links', {
  hash: text('hash').primaryKey(),
  /** The person; null for the link of the first start, which creates the first person. */
  personId: uuid('person_id').references(() => people.id, { onDelete: 'cascade' }),
  createdAt: moment('created_at').notNull().defaultNow(),
  expiresAt: moment('expires_at').notNull(),
})

/** Signed-in browsers. A cookie holds the secret, and this table its hash. */
export const sessions = pgTable(
  'sessions',
  {
    id: uuid('id').primaryKey(),
    hash: text('hash').notNull().unique(),
    personId: uuid('person_id')
      .notNull()
      .references(() => people.id, { onDelete: 'cascade' }),
    /** How the person signed in. */
    method: text('method').$type<'password' | 'oidc' | 'link'>().notNull(),
    address: text('address').notNull(),
    userAgent: text('user_agent').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    lastUsedAt: moment('last_used_at').notNull().defaultNow(),
    /** The absolute end. The rolling end follows from `lastUsedAt`. */
    expiresAt: moment('expires_at').notNull(),
  },
  (table) => [index('sessions_person').on(table.personId), index('sessions_expiry').on(table.expiresAt)],
)

/** Failed sign-ins in a row, by sign-in name, whether or not a person has it. */
export const signInFailures = pgTable(
  'sign_in_failures',
  {
    name: text('name').primaryKey(),
    failures: integer('failures').notNull(),
    lastAt: moment('last_at').notNull().default(sql`now()`),
    lockedUntil: moment('locked_until'),
  },
  (table) => [index('sign_in_failures_at').on(table.lastAt)],
)
