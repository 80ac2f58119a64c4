import { asc, eq, getTableColumns, gt, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import type { groups, menus } from '../../db/schema/machines.ts'
import type { Tx } from '../../db/transaction.ts'
import { canonical } from '../../lib/canonical.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { changeType, type EditedNoun } from '../changes/types.ts'
import { lockName } from './lock.ts'
import { checkPrecondition, type Precondition } from './precondition.ts'

/** The tables of things that are one row each, known by a name: all of it is replaced when it is saved. */
type NamedTable = typeof groups | typeof menus
type Kept = { name: string; revision: number; createdAt: Date; updatedAt: Date }
type Content<Row> = Omit<Row, keyof Kept>

/** One noun's table, and what changes of it are called. */
export type Noun<Row extends Kept> = { table: NamedTable; noun: EditedNoun; row?: Row }

export async function findNamed<Row extends Kept>(
  db: Db,
  { table }: Noun<Row>,
  name: string,
): Promise<Row | undefined> {
  const rows = await db
    .select(getTableColumns(table) as never)
    .from(table as never)
    .where(eq(table.name, name))
  return rows[0] as Row | undefined
}

/** In the order of their names, those after `after`. */
export async function listNamed<Row extends Kept>(
  db: Db,
  { table }: Noun<Row>,
  limit: number,
  after?: string,
): Promise<Row[]> {
  const rows = await db
    .select(getTableColumns(table) as never)
    .from(table as never)
    .where(after === undefined ? undefined : gt(table.name, after))
    .orderBy(asc(table.name))
    .limit(limit)
  return rows as Row[]
}

/**
 * Makes, replaces or changes it, and records the change; the same content again changes nothing.
 * @param contentAfter its content, by what it was before @throws PreconditionError
 */
export async function saveNamed<Row extends Kept>(
  db: Db,
  kind: Noun<Row>,
  name: string,
  contentAfter: (before: Row | undefined) => Content<Row>,
  precondition: Precondition,
  by: Actor,
): Promise<{ row: Row; created: boolean }> {
  const { table, noun } = kind
  return db.transaction(async (tx) => {
    await lockName(tx, noun, name)
    const before = await findNamed(tx, kind, name)
    checkPrecondition(precondition, before)
    const content = contentAfter(before)
    if (before === undefined) await tx.insert(table).values({ ...content, name } as never)
    else if (canonical(contentOf(before)) === canonical(content)) return { row: before, created: false }
    else
      await tx
        .update(table)
        .set({ ...content, revision: before.revision + 1, updatedAt: sql`now()` } as never)
        .where(eq(table.name, name))
    const row = (await findNamed(tx, kind, name)) as Row
    await recordChanges(tx, [
      {
        actor: by,
        type: changeType(noun, before, row),
        subject: name,
        before: before && contentOf(before),
        after: contentOf(row),
      },
    ])
    return { row, created: before === undefined }
  })
}

/** @throws NotFoundError, PreconditionError */
export async function deleteNamed<Row extends Kept>(
  tx: Tx,
  kind: Noun<Row>,
  name: string,
  precondition: Precondition,
  by: Actor,
): Promise<void> {
  await lockName(tx, kind.noun, name)
  const before = await findNamed(tx, kind, name)
  if (before === undefined) throw new NotFoundError(`there is no ${kind.noun} ${name}`)
  checkPrecondition(precondition, before)
  await tx.delete(kind.table).where(eq(kind.table.name, name))
  await recordChanges(tx, [
    { actor: by, type: changeType(kind.noun, before, undefined), subject: name, before: contentOf(before) },
  ])
}

function contentOf<Row extends Kept>({ name: _, revision: __, createdAt: ___, updatedAt: ____, ...content }: Row) {
  return content
}
