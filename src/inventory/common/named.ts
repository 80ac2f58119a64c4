// How things that operators name are saved and deleted: one at a time, checked against the request's precondition, recorded.
import type { Db } from '../../db/open.ts'
import type { Tx } from '../../db/transaction.ts'
import { ConflictError, requireFound } from '../../lib/errors.ts'
import type { FolderKind } from '../../model/folder/folder.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { changeType } from '../changes/types.ts'
import { forgetOwner } from '../folder/owners.ts'
import { lockName } from './lock.ts'
import { checkPrecondition, isConditional, type Precondition } from './precondition.ts'

type Named = { name: string; revision: number; createdAt: Date }

/** A kind of thing with a name of its own: an image, an answer file, a group, a menu. */
export type NamedNoun<Thing extends Named> = {
  /** The noun in the types of changes: `image`, `answer-file`. */
  noun: FolderKind
  find: (db: Db, name: string) => Promise<Thing | undefined>
  /** What the audit log keeps of the thing. */
  auditView: (thing: Thing) => unknown
  /** Names the person of the last change, for a request whose precondition fails. */
  describeChange?: (db: Db, thing: Thing) => Promise<string>
}

/** Makes or changes a thing. If `change` writes nothing, nothing is recorded. @throws PreconditionError */
export async function saveNamed<Thing extends Named>(
  db: Db,
  { noun, find, auditView, describeChange }: NamedNoun<Thing>,
  name: string,
  precondition: Precondition,
  by: Actor,
  change: (tx: Tx, before: Thing | undefined) => Promise<void>,
): Promise<{ thing: Thing; created: boolean }> {
  return db.transaction(async (tx) => {
    await lockName(tx, noun, name)
    const before = await find(tx, name)
    const why = before === undefined || !isConditional(precondition) ? undefined : await describeChange?.(tx, before)
    checkPrecondition(precondition, before, why)
    await change(tx, before)
    const thing = await find(tx, name)
    if (thing === undefined) throw new ConflictError(`${noun} ${name} was deleted by another request`)
    if (thing.revision !== before?.revision) {
      const type = changeType(noun, before, thing)
      await recordChanges(tx, [
        { actor: by, type, subject: name, before: before && auditView(before), after: auditView(thing) },
      ])
    }
    return { thing, created: before === undefined }
  })
}

/** Deletes a thing. `remove` refuses to, or deletes the rows. @throws NotFoundError, PreconditionError */
export async function deleteNamed<Thing extends Named>(
  db: Db,
  { noun, find, auditView }: NamedNoun<Thing>,
  name: string,
  precondition: Precondition,
  by: Actor,
  remove: (tx: Tx) => Promise<void>,
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockName(tx, noun, name)
    const before = await find(tx, name)
    requireFound(before, `${noun.replace('-', ' ')} ${name}`)
    checkPrecondition(precondition, before)
    await remove(tx)
    await forgetOwner(tx, noun, name)
    await recordChanges(tx, [
      { actor: by, type: changeType(noun, before, undefined), subject: name, before: auditView(before) },
    ])
  })
}
