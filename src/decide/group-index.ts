// Finds the groups that may match a machine, without a test of every group. Pure; called by group-match.ts.
import type { CatalogGroup } from '../model/catalog.ts'
import { acceptedValues, type Condition, type SelectorFact, type Subject, spelledValues } from '../model/selector.ts'

/** The places of groups in their list, by a value that the machine must have. */
type Places = Map<string, number[]>

type GroupIndex = {
  /** By the values of a fact. */
  facts: Map<SelectorFact, Places>
  /** By the values of a label. */
  labels: Map<string, Places>
  /** The groups without a condition of equality. */
  others: number[]
}

const indexes = new WeakMap<CatalogGroup[], GroupIndex>()

/** The groups that may match a machine, in the order of the list. All others have a condition that fails. */
export function possibleGroups(groups: CatalogGroup[], subject: Subject): CatalogGroup[] {
  const index = indexes.get(groups) ?? indexGroups(groups)
  const places = [...index.others]
  for (const [fact, byValue] of index.facts)
    for (const value of spelledValues(subject, fact)) places.push(...(byValue.get(value) ?? []))
  for (const [label, value] of Object.entries(subject.labels))
    places.push(...(index.labels.get(label)?.get(value) ?? []))
  // A machine with two MACs may have two values of the same group.
  return [...new Set(places)].sort((a, b) => a - b).map((place) => groups[place] as CatalogGroup)
}

/** Indexes each group by that condition of equality whose values the fewest groups have. */
function indexGroups(groups: CatalogGroup[]): GroupIndex {
  const index: GroupIndex = { facts: new Map(), labels: new Map(), others: [] }
  const equalities = groups.map(({ selector }) => selector.filter((condition) => acceptedValues(condition)))
  const uses = new Map<string, number>()
  for (const key of equalities.flat().flatMap(keysOf)) uses.set(key, (uses.get(key) ?? 0) + 1)
  const usesOf = (condition: Condition) => Math.max(0, ...keysOf(condition).map((key) => uses.get(key) ?? 0))
  for (const [place, conditions] of equalities.entries()) {
    const [rarest] = conditions
      .map((condition) => ({ condition, uses: usesOf(condition) }))
      .sort((a, b) => a.uses - b.uses)
    if (rarest === undefined) index.others.push(place)
    else add(placesFor(index, rarest.condition), rarest.condition, place)
  }
  indexes.set(groups, index)
  return index
}

function keysOf(condition: Condition): string[] {
  const field = 'fact' in condition ? `fact ${condition.fact}` : `label ${condition.label}`
  return (acceptedValues(condition) ?? []).map((value) => `${field} ${value}`)
}

function placesFor({ facts, labels }: GroupIndex, condition: Condition): Places {
  return 'fact' in condition ? entryOf(facts, condition.fact) : entryOf(labels, condition.label)
}

function entryOf<Field>(fields: Map<Field, Places>, field: Field): Places {
  const places = fields.get(field) ?? new Map<string, number[]>()
  fields.set(field, places)
  return places
}

function add(places: Places, condition: Condition, place: number): void {
  for (const value of acceptedValues(condition) ?? []) {
    const before = places.get(value)
    if (before === undefined) places.set(value, [place])
    else before.push(place)
  }
}
