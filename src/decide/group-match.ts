// Which groups match a machine, and why. Pure; called by decision.ts and previews.
import type { Target } from '../model/arch.ts'
import { formatWanted, wantedOf } from '../model/assignment.ts'
import type { Catalog, CatalogGroup } from '../model/catalog.ts'
import type { Reason, Situation } from '../model/decision.ts'
import type { Facts } from '../model/facts.ts'
import type { Machine } from '../model/machine.ts'
import { formatCondition, foundFor, subjectOf } from '../model/selector.ts'

/** The groups that fit a machine, the strongest first. */
export function matchingGroups(
  catalog: Catalog,
  machine: Machine | undefined,
  facts: Facts,
  target: Target,
): CatalogGroup[] {
  const subject = subjectOf(machine, facts, target)
  return catalog.groups.filter((group) => group.refuses(subject) === undefined)
}

/** The groups that do not fit a machine, each with the first condition that does not hold and what was found instead. */
export function otherGroups(
  { catalog, identity, facts }: Pick<Situation, 'catalog' | 'identity' | 'facts'>,
  target: Target,
): { group: string; why: string }[] {
  const subject = subjectOf('machine' in identity ? identity.machine : undefined, facts, target)
  return catalog.groups.flatMap((group) => {
    const failed = group.refuses(subject)
    return failed === undefined
      ? []
      : [{ group: group.name, why: `${formatCondition(failed)}, but the machine has ${foundFor(failed, subject)}` }]
  })
}

/**
 * Why each group that fits did or did not decide what is booted. `first` is the one that did; `winner` says in words what
 * decided before any group could.
 */
export function groupReasons(
  groups: CatalogGroup[],
  first: CatalogGroup | undefined,
  winner: string | undefined,
): Reason[] {
  return groups.map((group) => {
    const wanted = wantedOf(group.assignment)
    const candidate = `group ${group.name} (priority ${group.priority}, ${countOf(group.selector.length)})`
    const adds = Object.keys(group.assignment).filter((key) => !['image', 'menu', 'local'].includes(key))
    const added = adds.length > 0 ? `; its ${adds.join(', ')} count` : ''
    const why =
      wanted === undefined
        ? 'it fits, and does not say what to boot'
        : group === first
          ? `it fits, and says ${formatWanted(wanted)}`
          : `it fits and says ${formatWanted(wanted)}, but ${winner ?? whyBefore(first, group)}`
    return { candidate, won: group === first, why: `${why}${added}${tieOf(group, groups)}` }
  })
}

function whyBefore(first: CatalogGroup | undefined, group: CatalogGroup): string {
  if (first === undefined) return 'it does not decide'
  if (first.priority !== group.priority) return `group ${first.name} has priority ${first.priority}`
  if (first.selector.length !== group.selector.length)
    return `group ${first.name} has ${countOf(first.selector.length)}`
  return `group ${first.name} comes first by its name`
}

function tieOf(group: CatalogGroup, groups: CatalogGroup[]): string {
  const ties = groups.filter(
    (one) => one !== group && one.priority === group.priority && one.selector.length === group.selector.length,
  )
  if (ties.length === 0) return ''
  return `; it ties with ${ties.map((one) => `group ${one.name}`).join(' and ')} in priority and conditions, so the names decide`
}

function countOf(conditions: number): string {
  return conditions === 1 ? '1 condition' : `${conditions} conditions`
}
