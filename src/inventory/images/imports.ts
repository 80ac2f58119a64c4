// Imports of images: created, listed, ended.

import { and, asc, desc, eq, inArray, isNull, lt, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { imports } from '../../db/schema/images.ts'
import type { Tx } from '../../db/transaction.ts'
import { redactUrl } from '../../lib/base-url.ts'
import { ConflictError, requireFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids/uuid.ts'
import type { ImportPlan, ImportState } from '../../model/image.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { placeOf } from '../common/place.ts'

/** An import of an image: source, progress and end. */
export type Import = typeof imports.$inferSelect

/** The present step of an import; `totalBytes` is null while unknown. */
export type ImportProgress = {
  doing: string
  doneBytes: number
  totalBytes: number | null
  bytesPerSecond?: number | null
}

/** How an import ended. */
export type ImportEnd =
  /** `message`: notes to read before booting the image. */
  { state: 'done'; image: string; version: number; message?: string | undefined } | { state: 'failed'; message: string }

// The limit of open imports: each of them may fill the disk.
const maxOpen = 200

const isOpen = isNull(imports.endedAt)

/** Creates an import that the server with this id runs. @throws ConflictError if too many are open */
export async function createImport(
  db: Db,
  { image, plan, server }: { image: string | undefined; plan: ImportPlan; server: string },
  by: Actor,
): Promise<Import> {
  return db.transaction(async (tx) => {
    if ((await tx.$count(imports, isOpen)) >= maxOpen)
      throw new ConflictError(
        `${maxOpen} imports are already waiting or running. Next step: wait, or bootwright image imports cancel ID`,
      )
    const row = { id: newId(), image: image ?? null, plan, state: 'waiting' as const, actor: by, server }
    const [made] = await tx.insert(imports).values(row).returning()
    if (made === undefined) throw new Error('an import was not recorded')
    await recordChanges(tx, [{ actor: by, type: 'import.created', subject: made.id, after: auditView(made) }])
    return made
  })
}

/**
 * Requests an import again that failed or was cancelled. It resumes from the data that is kept.
 * @throws NotFoundError; ConflictError if it is open or done, or if too many are open
 */
export async function retryImport(db: Db, id: string, server: string, by: Actor): Promise<Import> {
  const before = await findImport(db, id)
  requireFound(before, `import ${id}`)
  const { state, image, plan } = before
  if (state !== 'failed' && state !== 'cancelled')
    throw new ConflictError(`import ${id} is ${state}: expected an import that failed or was cancelled`)
  return createImport(db, { image: image ?? undefined, plan, server }, by)
}

export async function findImport(db: Db, id: string): Promise<Import | undefined> {
  const rows = await db.select().from(imports).where(eq(imports.id, id))
  return rows[0]
}

/** Imports, newest first, those made before the one with the id `before`. */
export async function listImports(
  db: Db,
  filter: { states?: ImportState[] | undefined; image?: string | undefined },
  limit: number,
  before?: string,
): Promise<Import[]> {
  const place = before === undefined ? undefined : await placeOf(db, imports, before)
  const conditions = and(
    filter.states === undefined ? undefined : inArray(imports.state, filter.states),
    filter.image === undefined ? undefined : eq(imports.image, filter.image),
    place === undefined ? undefined : lt(imports.seq, place),
  )
  return db.select().from(imports).where(conditions).orderBy(desc(imports.seq)).limit(limit)
}

/** The open imports of a server, in order, also those that it had begun when it was stopped or killed. */
export async function listOpenImports(db: Db, server: string): Promise<Import[]> {
  return db
    .select()
    .from(imports)
    .where(and(isOpen, eq(imports.server, server)))
    .orderBy(asc(imports.seq))
}

/** Records the progress of an import; false if it was cancelled and must stop. */
export async function recordProgress(db: Db, id: string, progress: ImportProgress): Promise<boolean> {
  const rows = await db
    .update(imports)
    .set({ ...progress, state: 'running', updatedAt: sql`now()` })
    .where(and(eq(imports.id, id), isOpen))
    .returning({ id: imports.id })
  return rows.length > 0
}

/**
 * Ends an import, in the transaction that saves its image when it has made one.
 * @throws ConflictError when it was cancelled meanwhile
 */
export async function endImport(tx: Tx, { id, actor }: Pick<Import, 'id' | 'actor'>, end: ImportEnd): Promise<void> {
  const now = sql`now()`
  const [ended] = await tx
    .update(imports)
    .set({ ...end, doing: '', updatedAt: now, endedAt: now })
    .where(and(eq(imports.id, id), isOpen))
    .returning()
  if (ended === undefined) throw new ConflictError(`import ${id} was cancelled`)
  await recordChanges(tx, [{ actor, type: `import.${end.state}`, subject: id, after: auditView(ended) }])
}

/** Cancels an import; the server that runs it notices. @throws NotFoundError; ConflictError when it has ended */
export async function cancelImport(db: Db, id: string, by: Actor): Promise<Import> {
  return db.transaction(async (tx) => {
    const now = sql`now()`
    const [cancelled] = await tx
      .update(imports)
      .set({ state: 'cancelled', doing: '', updatedAt: now, endedAt: now })
      .where(and(eq(imports.id, id), isOpen))
      .returning()
    if (cancelled === undefined) {
      const ended = await findImport(tx, id)
      requireFound(ended, `import ${id}`)
      throw new ConflictError(`import ${id} has ended: ${ended.state}`)
    }
    await recordChanges(tx, [{ actor: by, type: 'import.cancelled', subject: id, after: auditView(cancelled) }])
    return cancelled
  })
}

/** Deletes imports that ended `days` ago. */
export async function pruneImports(db: Db, days: number): Promise<void> {
  await db.delete(imports).where(lt(imports.endedAt, sql`now() - ${days} * interval '1 day'`))
}

/** The source of an import, for people: a recipe, a URL without its secrets (that of a kernel), or a file's name. */
export function sourceOf(plan: ImportPlan): string {
  if (plan.kind === 'recipe') return `recipe ${plan.recipe}`
  if (plan.kind === 'file') return plan.name
  return redactUrl(plan.kind === 'linux' ? plan.linux.kernel.url : plan.url)
}

function auditView({ image, plan, state, message, version }: Import) {
  return { image, source: sourceOf(plan), state, message, version }
}
