// What happens to machines that their owner no longer names, and how many that may be. Pure.

import { machinePath } from '../../../model/identity/field-owners.ts'
import { releasedMachine } from './owned-fields.ts'
import type { Removal, SyncExisting, SyncPlan } from './row.ts'

/** The limit of removals: a number of machines, or a percentage of the owner's machines, rounded up. */
export type PruneLimit = { count: number } | { percent: number }

/**
 * Plans the removal of the owner's machines that no row names. A machine that the owner entered is archived, unless another owner
 * names it. Of other machines, only the owner's fields are cleared.
 */
export function planRemovals(
  { owned, busy }: SyncExisting,
  named: ReadonlySet<string | undefined>,
  owner: string,
): Removal[] {
  return owned
    .filter(({ id }) => !named.has(id))
    .map((machine): Removal => {
      const others = machine.sources?.filter((source) => source.owner !== owner) ?? []
      const isOwn = machine.owners?.[machinePath] === owner
      if (busy.has(machine.id))
        return { outcome: 'kept', machine, why: 'it has an active deployment. Cancel the deployment first' }
      if (isOwn && others.length === 0) return { outcome: 'archived', machine, why: `${owner} no longer names it` }
      const after = releasedMachine(machine, owner)
      const holder = after.owners?.[machinePath]
      const why = typeof holder === 'string' ? `${holder} still names it` : 'a person entered it'
      return { outcome: 'released', machine, after, owners: after.owners ?? {}, why }
    })
}

/**
 * Why the limit refuses a plan; undefined if it does not. It limits the machines that are removed, and the machines that lose
 * fields which their rows no longer have.
 */
export function pruneRefusal(plan: SyncPlan, limit: PruneLimit, owner: string): string | undefined {
  const { owned, removals, rows } = plan
  const max = 'count' in limit ? limit.count : Math.ceil((owned * limit.percent) / 100)
  const removed = removals.filter(({ outcome }) => outcome !== 'kept').length
  const losing = rows.filter(({ dropped }) => dropped.length > 0).length
  const of = (count: number) => `${count} of ${owned} machines of ${owner} (${((100 * count) / owned).toFixed(1)}%)`
  const limitText = `at most ${max}${'percent' in limit ? ` (${limit.percent}%)` : ''} are permitted`
  const nextStep = 'Next step: compare the file with the last one, or raise the limit (--prune-max)'
  if (removed > max) return `prune would remove ${of(removed)}; ${limitText}. ${nextStep}`
  if (losing > max)
    return `prune would clear fields of ${of(losing)}, which their rows no longer have; ${limitText}. ${nextStep}`
  return undefined
}
