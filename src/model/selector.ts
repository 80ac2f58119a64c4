// Selectors of groups: their conditions, and how they match machines.
import { quote } from '../lib/errors.ts'
import { matchesGlob } from '../lib/glob.ts'
import { type Mac, parseMac } from '../lib/ids/mac.ts'
import { parseUuid, swapUuid } from '../lib/ids/uuid.ts'
import { subnetTest } from '../lib/subnet.ts'
import type { Target } from './arch.ts'
import type { Facts } from './facts.ts'
import type { Machine } from './machine.ts'

export { matchesGlob }

/** The facts that a selector can test, besides labels. */
export const selectorFacts = [
  'mac',
  'uuid',
  'serial',
  'asset',
  'manufacturer',
  'product',
  'hostname',
  'arch',
  'platform',
  'ip',
] as const
export type SelectorFact = (typeof selectorFacts)[number]

/** A test of a value. `cidr` is a subnet; `glob` supports `*` and `?`; `exists: false` requires that there is no value. */
export type Test =
  | { equals: string }
  | { in: string[] }
  | { prefix: string }
  | { glob: string }
  | { cidr: string }
  | { exists: boolean }

/** A condition on a fact or a label. A selector is a list of conditions, and all of them must hold. */
export type Condition = ({ fact: SelectorFact } | { label: string }) & Test

/** The values of a machine that selectors can test. A machine may have several MACs; other facts have at most one value. */
export type Subject = {
  facts: FactValues
  labels: Record<string, string>
  /** The facts in the spelling of comparisons, filled by `spelledValues`. */
  spelled: FactValues
}
type FactValues = { [F in SelectorFact]?: string[] }

/** The values of a machine for selectors: entered by an operator, else reported now, else reported before. */
export function subjectOf(machine: Machine | undefined, facts: Facts, target: Target): Subject {
  const remembered = machine?.facts
  const macs = machine?.macs ?? []
  const isNewMac = facts.mac !== undefined && !macs.includes(facts.mac)
  const values: FactValues = {
    mac: isNewMac ? [...macs, facts.mac as string] : macs,
    arch: [target.arch],
    platform: [target.platform],
  }
  for (const name of ['uuid', 'serial', 'asset', 'product', 'hostname', 'manufacturer', 'ip'] as const) {
    const entered = name === 'manufacturer' || name === 'ip' ? undefined : machine?.[name]
    const value = entered ?? facts[name] ?? remembered?.[name]
    if (value !== undefined) values[name] = [value]
  }
  return { facts: values, labels: machine?.labels ?? {}, spelled: {} }
}

/** A compiled selector. Returns the first condition that fails; undefined if all conditions hold. */
export type CompiledSelector = (subject: Subject) => Condition | undefined

/** Compiles a selector for many machines. An empty selector matches every machine. */
export function compileSelector(selector: Condition[]): CompiledSelector {
  const compiled = selector.map((condition) => ({ condition, holds: compileCondition(condition) }))
  return (subject) => compiled.find(({ holds }) => !holds(subject))?.condition
}

/** For people: `product prefix "PowerEdge"`, `label rack in "b4", "b5"`, `serial does not exist`. */
export function formatCondition(condition: Condition): string {
  const what = 'fact' in condition ? condition.fact : `label ${condition.label}`
  if ('exists' in condition) return `${what} ${condition.exists ? 'exists' : 'does not exist'}`
  if ('in' in condition)
    return `${what} in ${condition.in.slice(0, 5).map(quote).join(', ')}${condition.in.length > 5 ? `, … (${condition.in.length})` : ''}`
  const [[how, value] = []] = Object.entries(condition).filter(([key]) => key !== 'fact' && key !== 'label')
  return `${what} ${how} ${quote(value)}`
}

/** The subject's values for a condition: `"X1"`, or `nothing`. */
export function foundFor(condition: Condition, subject: Subject): string {
  const values = valuesOf(condition, subject)
  return values.length === 0 ? 'nothing' : values.map(quote).join(', ')
}

function valuesOf(condition: Condition, { facts, labels }: Subject): string[] {
  if ('fact' in condition) return facts[condition.fact] ?? []
  const value = Object.hasOwn(labels, condition.label) ? labels[condition.label] : undefined
  return value === undefined ? [] : [value]
}

function compileCondition(condition: Condition): (subject: Subject) => boolean {
  if ('exists' in condition) return (subject) => valuesOf(condition, subject).length > 0 === condition.exists
  const fact = 'fact' in condition ? condition.fact : undefined
  const test = compileTest(condition, fact)
  return (subject) =>
    (fact === undefined ? valuesOf(condition, subject) : spelledValues(subject, fact)).some((value) => test(value))
}

/** The values of a fact in the spelling in which a machine's values and those of conditions are compared. */
export function spelledValues({ facts, spelled }: Subject, fact: SelectorFact): string[] {
  spelled[fact] ??= (facts[fact] ?? []).map((value) => canonical(fact, value))
  return spelled[fact]
}

/** The values that fulfil a condition of equality, in the spelling of comparisons; undefined for other conditions. */
export function acceptedValues(condition: Condition): string[] | undefined {
  const accepted = 'equals' in condition ? [condition.equals] : 'in' in condition ? condition.in : undefined
  return accepted?.flatMap((value) => spellings('fact' in condition ? condition.fact : undefined, value))
}

// Both sides need the same spelling: MACs are stored in lower case with colons, UUIDs may have either byte order.
function compileTest(test: Condition, fact: SelectorFact | undefined): (value: string) => boolean {
  if ('cidr' in test) return subnetTest([test.cidr])
  if ('glob' in test) {
    const glob = canonicalCase(fact, test.glob)
    return (value) => matchesGlob(glob, value)
  }
  if ('prefix' in test) {
    const prefix = fact === 'mac' ? canonicalMacPrefix(test.prefix) : canonicalCase(fact, test.prefix)
    return (value) => value.startsWith(prefix)
  }
  const values = new Set(acceptedValues(test))
  return (value) => values.has(value)
}

/** The spelling in which a fact's values are compared. */
function canonical(fact: SelectorFact, value: string): string {
  if (fact === 'mac') return parseMac(value) ?? value.toLowerCase()
  if (fact === 'uuid') return parseUuid(value) ?? value.toLowerCase()
  return canonicalCase(fact, value)
}

function canonicalCase(fact: SelectorFact | undefined, value: string): string {
  const folded = fact === 'hostname' || fact === 'mac' || fact === 'uuid' || fact === 'ip'
  return folded ? value.toLowerCase() : value
}

function spellings(fact: SelectorFact | undefined, value: string): string[] {
  if (fact === undefined) return [value]
  const spelling = canonical(fact, value)
  const uuid = fact === 'uuid' ? parseUuid(value) : undefined
  return uuid === undefined ? [spelling] : [spelling, swapUuid(uuid)]
}

/** Rewrites the beginning of a MAC in any spelling to our spelling: `5254.00` is `52:54:00`. */
export function canonicalMacPrefix(prefix: string): Mac {
  const digits = prefix.replaceAll(/[^0-9a-f]/gi, '').toLowerCase()
  return (digits.match(/..?/g) ?? []).join(':')
}
