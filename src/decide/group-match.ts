// Which groups match a machine, and why. Pure; called by decision.ts and previews.
import type { Target } from '../model/arch.ts'
import { formatWanted, wantedOf } from '../model/assignment.ts'
import type { Catalog, CatalogGroup } from '../model/catalog.ts'
import type { Reason, Situation } from '../model/decision.ts'
import type { Facts } from '../model/facts.ts'
import type { Machine } from '../model/machine.ts'
import { formatCondition, foundFor, subjectOf } from '../model/selector.ts'
import { possibleGroups } from './group-index.ts'

/** The groups that match a machine, the strongest first. */
export function matchingGroups(
  catalog: Pick<Catalog, 'groups'>,
  machine: Machine | undefined,
  facts: Facts,
  target: Target,
): CatalogGroup[] {
  const subject = subjectOf(machine, facts, target)
  return possibleGroups(catalog.groups, subject).filter((group) => group.refuses(subject) === undefined)
}

/** The groups that do not match a machine, each with its first failed condition and the machine's value. */
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
 * Why each matching group did or did not decide what is booted. `first` is the group that decided. `winner` describes
 * the rule that decided before any group.
 */
export function groupReasons(
  groups: CatalogGroup[],
  first: CatalogGroup | undefined,
  winner: string | undefined,
): Reason[] {
  return groups.map((group) => {
    const boot = wantedOf(group.assignment)
    const candidate = `group ${group.name} (priority ${group.priority}, ${countOf(group.selector.length)})`
    const adds = Object.keys(group.assignment).filter((key) => !['image', 'menu', 'local'].includes(key))
    const added = adds.length > 0 ? `; its ${adds.join(', ')} ${adds.length === 1 ? 'applies' : 'apply'}` : ''
    const why =
      boot === undefined
        ? 'matches, but does not choose what to boot'
        : group === first
          ? `matches, and boots ${formatWanted(boot)}`
          : `matches, and would boot ${formatWanted(boot)}, but ${winner ?? whyBefore(first, group)}`
    return { candidate, won: group === first, why: `${why}${added}${tieOf(group, groups)}` }
  })
}

function whyBefore(first: CatalogGroup | undefined, group: CatalogGroup): string {
  if (first === undefined) return 'no group decides'
  if (first.priority !== group.priority) return `group ${first.name} has priority ${first.priority}`
  if (first.selector.length !== group.selector.length)
    return `group ${first.name} has ${countOf(first.selector.length)}`
  return `group ${first.name} comes first by name`
}

function tieOf(group: CatalogGroup, groups: CatalogGroup[]): string {
  const ties = groups.filter(
    (other) => other !== group && other.priority === group.priority && other.selector.length === group.selector.length,
  )
  if (ties.length === 0) return ''
  const names = ties.map(({ name }) => `group ${name}`).join(' and ')
  return `; ${names} ${ties.length === 1 ? 'has' : 'have'} the same priority and number of conditions, so the name decides`
}

function countOf(conditions: number): string {
  return conditions === 1 ? '1 condition' : `${conditions} conditions`
}
