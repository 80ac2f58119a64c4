// Secrets of machines and groups, sealed.

import { and, asc, eq, inArray, or, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { secrets } from '../../db/schema/machines.ts'
import { NotFoundError } from '../../lib/errors.ts'
import type { Sealer } from '../../lib/seal.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { markEntered } from './machines.ts'

/** The owner of a secret: a machine (by id), or a group (by name) for all its machines. */
export type SecretOwner = { kind: 'machine' | 'group'; id: string }

/** A secret as it can be shown: never its value. */
export type SecretRecord = { name: string; updatedAt: Date }

const isOf = ({ kind, id }: SecretOwner) => and(eq(secrets.ownerKind, kind), eq(secrets.owner, id))

export async function listSecrets(db: Db, owner: SecretOwner): Promise<SecretRecord[]> {
  return db
    .select({ name: secrets.name, updatedAt: secrets.updatedAt })
    .from(secrets)
    .where(isOf(owner))
    .orderBy(asc(secrets.name))
}

/** Saves a secret, sealed. The audit log records the change without the value. */
export async function saveSecret(
  db: Db,
  sealer: Sealer,
  owner: SecretOwner,
  name: string,
  value: string,
  by: Actor,
): Promise<{ created: boolean }> {
  const sealed = sealer.seal(value, belongsTo(name))
  return db.transaction(async (tx) => {
    const before = await tx
      .select({ name: secrets.name })
      .from(secrets)
      .where(and(isOf(owner), eq(secrets.name, name)))
    await tx
      .insert(secrets)
      .values({ ownerKind: owner.kind, owner: owner.id, name, sealed })
      .onConflictDoUpdate({
        target: [secrets.ownerKind, secrets.owner, secrets.name],
        set: { sealed, updatedAt: sql`now()` },
      })
    if (owner.kind === 'machine') await markEntered(tx, [owner.id])
    await recordChanges(tx, [{ actor: by, type: 'secret.changed', subject: subjectOf(owner), after: { name } }])
    return { created: before.length === 0 }
  })
}

/** @throws NotFoundError */
export async function deleteSecret(db: Db, owner: SecretOwner, name: string, by: Actor): Promise<void> {
  await db.transaction(async (tx) => {
    const gone = await tx
      .delete(secrets)
      .where(and(isOf(owner), eq(secrets.name, name)))
      .returning({ name: secrets.name })
    if (gone.length === 0) throw new NotFoundError(`${owner.kind} ${owner.id} has no secret ${name}`)
    await recordChanges(tx, [{ actor: by, type: 'secret.deleted', subject: subjectOf(owner), before: { name } }])
  })
}

/** A secret as it is stored. */
export type SealedSecret = { ownerKind: string; owner: string; name: string; sealed: string }

/** The secrets of a machine in clear: those of its groups, the weakest first, and its own over them. */
export function openSealed(
  sealer: Sealer,
  sealed: SealedSecret[],
  groupsWeakestFirst: string[],
): Record<string, string> {
  const rank = (secret: { ownerKind: string; owner: string }) =>
    secret.ownerKind === 'machine' ? groupsWeakestFirst.length : groupsWeakestFirst.indexOf(secret.owner)
  const ordered = sealed.toSorted((a, b) => rank(a) - rank(b))
  return Object.fromEntries(ordered.map(({ name, sealed }) => [name, sealer.open(sealed, belongsTo(name))]))
}

/** The stored secrets of a machine and of groups. */
export async function findSealed(db: Db, machineId: string | undefined, groups: string[]): Promise<SealedSecret[]> {
  const owners = [
    machineId === undefined ? undefined : isOf({ kind: 'machine', id: machineId }),
    groups.length === 0 ? undefined : and(eq(secrets.ownerKind, 'group'), inArray(secrets.owner, groups)),
  ].filter((owner) => owner !== undefined)
  return owners.length === 0
    ? []
    : db
        .select()
        .from(secrets)
        .where(or(...owners))
}

// Not the owner: a machine that is merged into another takes its secrets along.
function belongsTo(name: string): string {
  return `secret ${name}`
}

function subjectOf({ kind, id }: SecretOwner): string {
  return kind === 'machine' ? id : `group ${id}`
}
