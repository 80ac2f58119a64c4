// The policy for machines without an assignment: found and saved.

import type { Db } from '../../db/open.ts'
import { policies } from '../../db/schema/machines.ts'
import { isSameJson } from '../../lib/canonical.ts'
import type { Policy } from '../../model/policy.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { refuseUnsaidInstalls } from '../images/installers.ts'
import { holdVersions } from '../images/pinned-versions.ts'
import { refuseUnknownNames } from './references.ts'

const onlyRow = 1

/** The current policy; `local` until an operator changes it, because `local` harms no machine. */
export async function findPolicy(db: Db): Promise<Policy> {
  const rows = await db.select().from(policies)
  return rows[0]?.policy ?? { kind: 'local' }
}

/** @throws InputError when the image, its version or the menu does not exist */
export async function savePolicy(db: Db, policy: Policy, by: Actor): Promise<void> {
  const named = policy.kind === 'image' || policy.kind === 'menu' ? policy : {}
  await refuseUnknownNames(db, named, '')
  if (policy.kind === 'image') await refuseUnsaidInstalls(db, [{ ...policy, field: '' }])
  await db.transaction(async (tx) => {
    if (policy.kind === 'image') await holdVersions(tx, [{ ...policy, field: '' }])
    const before = await findPolicy(tx)
    if (isSameJson(before, policy)) return
    await tx
      .insert(policies)
      .values({ id: onlyRow, policy })
      .onConflictDoUpdate({ target: policies.id, set: { policy } })
    await recordChanges(tx, [{ actor: by, type: 'policy.changed', subject: 'policy', before, after: policy }])
  })
}
