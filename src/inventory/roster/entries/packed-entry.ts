// An entry as a short text: a list of values without their names, because there may be 250,000 entries. Used by entries.ts and
// saved.ts.
import type { Facts } from '../../../model/facts.ts'
import type { Entry } from './entry.ts'

const factNames = [
  ...(['mac', 'uuid', 'serial', 'asset', 'manufacturer', 'product', 'hostname'] as const),
  ...(['platform', 'buildarch', 'cpuarch', 'version', 'ip', 'secureBoot'] as const),
] satisfies (keyof Facts)[]
const valueNames = ['uuid', 'serial', 'product', 'asset', 'hostname', 'labels', 'assignment'] as const

/** Stands for a value that is absent: no value of an entry is this number. */
const absent = 0

/** The text of an entry. */
export function packEntry({ machine, macs, namesake, claims, deployment, secrets }: Entry): string {
  const { id, discovered, denied, discoveredFrom, facts, revision, createdAt, updatedAt } = machine
  const states = (discovered ? 1 : 0) + (denied ? 2 : 0) + (namesake ? 4 : 0)
  return JSON.stringify([
    ...[id, states, macs, packFacts(facts), revision, createdAt, updatedAt, discoveredFrom],
    ...valueNames.map((name) => machine[name] ?? absent),
    ...[claims ?? absent, deployment ?? absent, secrets ?? absent],
  ])
}

/** The entry of a text. */
export function unpackEntry(text: string): Entry {
  return entryOfList(JSON.parse(text))
}

/** The entry of a parsed text. */
// biome-ignore lint/suspicious/noExplicitAny: the list was made by packEntry
export function entryOfList(list: any[]): Entry {
  const [id, states, macs, facts, revision, createdAt, updatedAt, discoveredFrom] = list
  const machine = { id, discovered: (states & 1) > 0, discoveredFrom, denied: (states & 2) > 0 } as Entry['machine']
  for (const [place, name] of valueNames.entries())
    if (list[8 + place] !== absent) Object.assign(machine, { [name]: list[8 + place] })
  Object.assign(machine, { facts: unpackFacts(facts), revision, createdAt, updatedAt })
  const [claims, deployment, secrets] = list.slice(8 + valueNames.length)
  return {
    machine,
    macs,
    ...((states & 4) > 0 && { namesake: true as const }),
    ...(claims !== absent && { claims }),
    ...(deployment !== absent && { deployment }),
    ...(secrets !== absent && { secrets }),
  }
}

/** The values in the order of their names. Facts with names of another version follow as an object. */
function packFacts(facts: Facts): unknown[] {
  const others = Object.entries(facts).filter(([name]) => !(factNames as string[]).includes(name))
  const values = factNames.map((name) => facts[name] ?? absent)
  if (others.length > 0) return [...values, Object.fromEntries(others)]
  return values.slice(0, values.findLastIndex((value) => value !== absent) + 1)
}

function unpackFacts(list: unknown[]): Facts {
  const facts: Record<string, unknown> = {}
  for (const [place, name] of factNames.entries()) {
    const value = list[place]
    if (value !== absent && value !== undefined) facts[name] = value
  }
  return Object.assign(facts, list[factNames.length]) as Facts
}
