// Admin tokens: created, found, revoked. Only their hashes are stored.

import { createHash, randomBytes } from 'node:crypto'
import { and, asc, eq, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { tokens } from '../../db/schema/access.ts'
import { requireFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids/uuid.ts'
import type { Role } from '../../model/access/role.ts'
import { type Actor, recordChanges, system } from '../changes/changes.ts'

/** An admin token as it can be shown: never the token itself, of which only a hash is stored. */
export type TokenRecord = Omit<typeof tokens.$inferSelect, 'hash'>

/** What a token may do: its role, the labels of its machines (all machines without them), and its end. */
export type TokenRights = {
  role: Role
  scope?: Record<string, string> | undefined
  expiresAt?: Date | undefined
}

const columns = {
  id: tokens.id,
  name: tokens.name,
  role: tokens.role,
  scope: tokens.scope,
  expiresAt: tokens.expiresAt,
  createdAt: tokens.createdAt,
  lastUsedAt: tokens.lastUsedAt,
  revokedAt: tokens.revokedAt,
}

/** The hash under which a token is stored. Tokens are 256 random bits, so a plain hash is as good as a slow one. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** A new random token: 256 bits as 43 characters of base64url. */
export function makeToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Stores a new token and returns it in clear, the only time that it can be seen. */
export async function createToken(
  db: Db,
  name: string,
  by: Actor,
  { role, scope, expiresAt }: TokenRights = { role: 'admin' },
): Promise<TokenRecord & { token: string }> {
  const token = `bw_${makeToken()}`
  return db.transaction(async (tx) => {
    const [row] = await tx
      .insert(tokens)
      .values({ id: newId(), name, hash: hashToken(token), role, scope, expiresAt })
      .returning(columns)
    const record = row as TokenRecord
    await recordChanges(tx, [{ actor: by, type: 'token.created', subject: record.id, after: rightsOf(record) }])
    return { ...record, token }
  })
}

/** Finds a token that is neither revoked nor expired, and records its use at most once a minute. */
export async function findToken(db: Db, token: string): Promise<TokenRecord | undefined> {
  const [row] = await db
    .select({
      ...columns,
      stale: sql<boolean>`coalesce(${tokens.lastUsedAt} not between now() - interval '1 minute' and now(), true)`,
    })
    .from(tokens)
    .where(and(eq(tokens.hash, hashToken(token)), isNull(tokens.revokedAt), isNotExpired))
  if (row?.stale) await db.update(tokens).set({ lastUsedAt: sql`now()` }).where(eq(tokens.id, row.id))
  if (row === undefined) return undefined
  const { stale: _, ...record } = row
  return record
}

/** The revoked and expired tokens among these ids. */
export async function findRevoked(db: Db, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await db
    .select({ id: tokens.id })
    .from(tokens)
    .where(and(inArray(tokens.id, ids), or(isNotNull(tokens.revokedAt), sql`${tokens.expiresAt} <= now()`)))
  return rows.map(({ id }) => id)
}

export async function listTokens(db: Db): Promise<TokenRecord[]> {
  return db.select(columns).from(tokens).orderBy(asc(tokens.createdAt), asc(tokens.id))
}

/** Revokes a token at once. Revoking it again keeps the first time. @throws NotFoundError */
export async function revokeToken(db: Db, id: string, by: Actor): Promise<TokenRecord> {
  return db.transaction(async (tx) => {
    const [row] = await tx
      .update(tokens)
      .set({ revokedAt: sql`coalesce(${tokens.revokedAt}, now())` })
      .where(eq(tokens.id, id))
      .returning(columns)
    requireFound(row, `token ${id}`)
    await recordChanges(tx, [{ actor: by, type: 'token.revoked', subject: id, before: rightsOf(row) }])
    return row
  })
}

/** Makes sure that a token exists: the given one, or at the first start a new one, which is returned to be shown once. */
export async function ensureFirstToken(db: Db, given: string | undefined): Promise<string | undefined> {
  if (given !== undefined) {
    const hash = hashToken(given)
    const [found] = await db.select({ id: tokens.id }).from(tokens).where(eq(tokens.hash, hash))
    // Without a write, a server with this setting also starts on a full disk.
    if (found === undefined)
      await db.insert(tokens).values({ id: newId(), name: 'from the settings', hash }).onConflictDoNothing()
    return undefined
  }
  const [any] = await db.select({ id: tokens.id }).from(tokens).limit(1)
  return any === undefined ? (await createToken(db, 'first start', system)).token : undefined
}

const isNotExpired = sql`coalesce(${tokens.expiresAt} > now(), true)`

/** A token in the audit log. */
function rightsOf({ name, role, scope, expiresAt }: TokenRecord) {
  return { name, role, ...(scope && { scope }), ...(expiresAt && { expiresAt }) }
}
