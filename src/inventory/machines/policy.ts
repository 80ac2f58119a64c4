// The policy for machines without an assignment: found and saved.
import { createHash } from 'node:crypto'

import type { Db } from '../../db/open.ts'
import { policies } from '../../db/schema/machines.ts'
import { canonical, isSameJson } from '../../lib/canonical.ts'
import type { Policy } from '../../model/policy.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { lockName } from '../common/lock.ts'
import { type Precondition, PreconditionError } from '../common/precondition.ts'
import { refuseUnsaidInstalls } from '../images/installers.ts'
import { holdVersions } from '../images/pinned-versions.ts'
import { refuseUnknownNames } from './references.ts'

const onlyRow = 1

/** The current policy; `local` until an operator changes it, because `local` harms no machine. */
export async function findPolicy(db: Db): Promise<Policy> {
  const rows = await db.select().from(policies)
  return rows[0]?.policy ?? { kind: 'local' }
}

/** The entity tag of a policy: equal policies have equal tags. */
export function etagOfPolicy(policy: Policy): string {
  return `"${createHash('sha256').update(canonical(policy)).digest('base64url').slice(0, 16)}"`
}

/**
 * @throws InputError when the image, its version or the menu does not exist; PreconditionError when the policy is not the one of
 * the precondition
 */
export async function savePolicy(
  db: Db,
  policy: Policy,
  by: Actor,
  { ifMatch }: Pick<Precondition, 'ifMatch'> = {},
): Promise<void> {
  const named = policy.kind === 'image' || policy.kind === 'menu' ? policy : {}
  await refuseUnknownNames(db, named, '')
  if (policy.kind === 'image') await refuseUnsaidInstalls(db, [{ ...policy, field: '' }])
  await db.transaction(async (tx) => {
    await lockName(tx, 'policy', 'policy')
    if (policy.kind === 'image') await holdVersions(tx, [{ ...policy, field: '' }])
    const before = await findPolicy(tx)
    if (ifMatch !== undefined && ifMatch !== '*' && !ifMatch.includes(etagOfPolicy(before)))
      throw new PreconditionError(`the policy was changed by another request: its ETag is now ${etagOfPolicy(before)}`)
    if (isSameJson(before, policy)) return
    await tx
      .insert(policies)
      .values({ id: onlyRow, policy })
      .onConflictDoUpdate({ target: policies.id, set: { policy } })
    await recordChanges(tx, [{ actor: by, type: 'policy.changed', subject: 'policy', before, after: policy }])
  })
}
