// The plan of a folder: its rows, and the tag of the state that it starts from.

import { createHash } from 'node:crypto'
import { canonical } from '../../lib/canonical.ts'
import type { FolderKind } from '../../model/folder/folder.ts'
import { type Precondition, PreconditionError } from '../common/precondition.ts'

/** What becomes of one thing of a folder. `before` and `after` have the form of the folder. */
export type Planned = {
  kind: FolderKind | 'policy'
  /** Absent for the policy. */
  name?: string
  outcome: 'created' | 'changed' | 'unchanged' | 'deleted'
  /** An existing thing that no folder owned until now. */
  adopted?: true
  /** The folder that owned the thing until now. */
  takenFrom?: string
  before?: unknown
  after?: unknown
  /** For a deleted group: the number of machines that match it. */
  machines?: number
  /** Why the thing cannot be deleted. Nothing is applied then. */
  refused?: string
}

/** The entity tag of everything that a plan depends on. */
export function planTag(state: unknown): string {
  return `"${createHash('sha256').update(canonical(state)).digest('hex').slice(0, 32)}"`
}

/** @throws PreconditionError if the plan was made from another state */
export function checkPlanTag({ ifMatch }: Precondition, tag: string, latest: string | undefined): void {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch.includes(tag)) return
  const who = latest === undefined ? '' : ` The latest change: ${latest}.`
  throw new PreconditionError(
    `the inventory was changed since the plan.${who} Next step: apply again, and read the new plan`,
  )
}
