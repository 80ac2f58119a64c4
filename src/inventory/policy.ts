import type { Db } from '../db/open.ts'
import { policies } from '../db/schema.ts'
import { InputError } from '../errors.ts'
import { findImage } from './images.ts'

/** What a machine boots that nothing else speaks for: its own disk, nothing until it is assigned, or an image. */
export type Policy = { kind: 'local' } | { kind: 'wait' } | { kind: 'image'; image: string }

const onlyRow = 1

/** The policy in force; `local` until an operator says otherwise, because that harms no machine. */
export async function findPolicy(db: Db): Promise<Policy> {
  const rows = await db.select().from(policies)
  return rows[0]?.policy ?? { kind: 'local' }
}

/** @throws InputError when the image does not exist */
export async function savePolicy(db: Db, policy: Policy): Promise<void> {
  if (policy.kind === 'image' && (await findImage(db, policy.image)) === undefined) {
    throw new InputError({ field: 'image', value: policy.image, expected: 'the name of an image' })
  }
  await db.insert(policies).values({ id: onlyRow, policy }).onConflictDoUpdate({ target: policies.id, set: { policy } })
}
