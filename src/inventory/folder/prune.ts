// Deletes what a folder owned and no longer has.

import type { Tx } from '../../db/transaction.ts'
import { ConflictError } from '../../lib/errors.ts'
import { formatCount } from '../../lib/text/format.ts'
import type { Condition } from '../../model/selector.ts'
import { etagOf } from '../common/precondition.ts'
import { type KindOfThing, kindsOfThings, type StoredThing } from './kinds.ts'
import type { Planned } from './plan.ts'

/** The number of machines that match each of these selectors, by name. */
export type CountMatches = (
  tx: Tx,
  selectors: { name: string; selector: Condition[] }[],
) => Promise<Map<string, number>>

/** A thing that its owner's folder no longer has. */
export type Orphan = { kind: KindOfThing; thing: StoredThing }

/**
 * Deletes things, those that name others first. A thing that is used stays, and its row says why: something names it, or
 * machines match the group. With `used`, groups that machines match are deleted too.
 */
export async function pruneThings(
  tx: Tx,
  orphans: Orphan[],
  { by, used, countMatches }: { by: string; used: boolean; countMatches: CountMatches },
): Promise<Planned[]> {
  const rows: Planned[] = []
  const groups = orphans.flatMap(({ kind, thing }) =>
    kind.kind === 'group' ? [{ name: thing.name, selector: selectorOf(thing.form) }] : [],
  )
  const matches = groups.length === 0 ? new Map<string, number>() : await countMatches(tx, groups)
  for (const kind of [...kindsOfThings].reverse()) {
    const ofKind = orphans.filter((orphan) => orphan.kind === kind).map(({ thing }) => thing)
    const together = new Set(ofKind.map(({ name }) => name))
    for (const thing of ofKind) {
      const { name, form } = thing
      const machines = kind.kind === 'group' ? (matches.get(name) ?? 0) : undefined
      const work = { precondition: { ifMatch: [etagOf(thing)] }, by, together }
      const refused =
        machines !== undefined && machines > 0 && !used
          ? `${formatCount(machines, 'machine')} of the group. Next step: --prune-used deletes it, or keep its file`
          : await kind.remove(tx, name, work).then(() => undefined, reasonOf)
      rows.push({
        ...{ kind: kind.kind, name, outcome: 'deleted' as const, before: kind.exported?.(form) ?? form },
        ...(machines !== undefined && { machines }),
        ...(refused !== undefined && { refused }),
      })
    }
  }
  return rows
}

function selectorOf(form: { name: string; selector?: Condition[] }): Condition[] {
  return form.selector ?? []
}

function reasonOf(error: unknown): string {
  if (error instanceof ConflictError) return error.message
  throw error
}
