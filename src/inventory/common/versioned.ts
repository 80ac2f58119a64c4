import type { Db } from '../../db/open.ts'
import type { Tx } from '../../db/transaction.ts'
import { ConflictError } from '../../lib/errors.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { changeType, type EditedNoun } from '../changes/types.ts'
import { lockName } from './lock.ts'
import { checkPrecondition, type Precondition } from './precondition.ts'

type Versioned = { name: string; revision: number; createdAt: Date }

/** A noun whose things have immutable versions, of which one is in force: images and answer files. */
export type VersionedNoun<Thing extends Versioned> = {
  /** As changes are called: `image`, `answer-file`. */
  noun: EditedNoun
  find: (db: Db, name: string) => Promise<Thing | undefined>
  /** What the log of changes keeps of it. */
  shown: (thing: Thing) => unknown
}

/** Changes one, or makes it, alone with its name, and records what was changed, if anything was. @throws PreconditionError */
export async function changeVersioned<Thing extends Versioned>(
  db: Db,
  { noun, find, shown }: VersionedNoun<Thing>,
  name: string,
  precondition: Precondition,
  by: Actor,
  change: (tx: Tx, before: Thing | undefined) => Promise<void>,
): Promise<{ thing: Thing; created: boolean }> {
  return db.transaction(async (tx) => {
    await lockName(tx, noun, name)
    const before = await find(tx, name)
    checkPrecondition(precondition, before)
    await change(tx, before)
    const thing = await find(tx, name)
    if (thing === undefined) throw new ConflictError(`${noun} ${name} was deleted meanwhile`)
    if (thing.revision !== before?.revision) {
      const type = changeType(noun, before, thing)
      await recordChanges(tx, [
        { actor: by, type, subject: name, before: before && shown(before), after: shown(thing) },
      ])
    }
    return { thing, created: before === undefined }
  })
}
