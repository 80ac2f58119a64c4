// The owners of things that `apply` manages.

import { and, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { folderThings } from '../../db/schema/folder.ts'
import type { Tx } from '../../db/transaction.ts'
import type { FolderKind } from '../../model/folder/folder.ts'

/** A thing that a folder can hold, by kind and name. */
export type ThingKey = { kind: FolderKind; name: string }

/** A key as text, for maps: `group rack-b4`. */
export function keyOf({ kind, name }: ThingKey): string {
  return `${kind} ${name}`
}

/** All things that folders own. */
export async function listOwned(db: Db): Promise<(ThingKey & { owner: string })[]> {
  const { kind, name, owner } = folderThings
  return db.select({ kind, name, owner }).from(folderThings).orderBy(kind, name)
}

/** Makes an owner the owner of these things. */
export async function ownThings(tx: Tx, things: ThingKey[], owner: string): Promise<void> {
  for (let at = 0; at < things.length; at += 1000)
    await tx
      .insert(folderThings)
      .values(things.slice(at, at + 1000).map(({ kind, name }) => ({ kind, name, owner })))
      .onConflictDoUpdate({ target: [folderThings.kind, folderThings.name], set: { owner, ownedAt: sql`now()` } })
}

/** Deletes the owner of a thing that is deleted: a new thing of the same name has no owner. */
export async function forgetOwner(tx: Tx, kind: FolderKind, name: string): Promise<void> {
  await tx.delete(folderThings).where(and(eq(folderThings.kind, kind), eq(folderThings.name, name)))
}
