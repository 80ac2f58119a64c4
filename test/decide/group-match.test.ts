import { describe, expect, test } from 'vitest'
import { matchingGroups } from '../../src/decide/group-match.ts'
import { parseMac } from '../../src/lib/ids/mac.ts'
import { targetOf } from '../../src/model/facts.ts'
import type { Machine } from '../../src/model/machine.ts'
import { type Condition, matchesGlob, type Subject, selectorFacts, subjectOf } from '../../src/model/selector.ts'
import { catalogOf, type GroupParts, machineOf } from '../helpers/decide.ts'
import { type Seeded, seeded } from '../helpers/seeded.ts'

const rounds = 4000
const texts = ['', 'X1', 'x1', 'X 1', 'PowerEdge R640', 'b4', 'b5', 'constructor', '__proto__'] as const
const macs = ['52:54:00:00:00:01', '52:54:00:00:00:0a', 'b0:7b:25:00:00:01'] as const
const uuids = ['4c4c4544-0042-3510-8054-b7c04f4e3332', '44454c4c-4200-1035-8054-b7c04f4e3332'] as const
const labels = ['rack', 'site', 'constructor'] as const

describe('the groups of a machine', () => {
  test('are those of a loop over all groups, in the same order, in thousands of random catalogs', () => {
    const random = seeded('group-match')
    let matches = 0
    for (let round = 0; round < rounds; round++) {
      const groups = Array.from({ length: random.between(0, 12) }, (_, n) => randomGroup(random, n))
      const catalog = catalogOf({ groups })
      for (const machine of [randomMachine(random), randomMachine(random), undefined]) {
        const facts = randomMachine(random).facts
        const target = targetOf(facts, machine?.facts)
        const subject = subjectOf(machine, facts, target)
        const expected = catalog.groups.filter(({ selector }) => selector.every((it) => holds(it, subject)))
        const found = matchingGroups(catalog, machine, facts, target)
        expect(found, `round ${round}, seed ${random.seed}`).toEqual(expected)
        matches += found.length
      }
    }
    expect(matches).toBeGreaterThan(rounds)
  })

  test('are found in a new list of groups, even if the list before had groups of the same names', () => {
    const groups = (rack: string) => catalogOf({ groups: [{ name: 'g', selector: [{ label: 'rack', equals: rack }] }] })
    const machine = machineOf({ labels: { rack: 'b4' } })
    expect(matchingGroups(groups('b4'), machine, {}, targetOf({})).map(({ name }) => name)).toEqual(['g'])
    expect(matchingGroups(groups('b5'), machine, {}, targetOf({}))).toEqual([])
  })

  test('with a condition of many values are found once for a machine with two of them', () => {
    const catalog = catalogOf({ groups: [{ name: 'g', selector: [{ fact: 'mac', in: [...macs] }] }] })
    const found = matchingGroups(catalog, machineOf({ macs: [...macs] }), {}, targetOf({}))
    expect(found.map(({ name }) => name)).toEqual(['g'])
  })
})

function randomGroup(random: Seeded, n: number): GroupParts {
  const selector = Array.from({ length: random.between(0, 3) }, () => randomCondition(random))
  return { name: `g${n}`, priority: random.between(0, 2), selector, assignment: { params: { n } } }
}

function randomCondition(random: Seeded): Condition {
  const fact = random.pick(selectorFacts)
  const field = random.next() < 0.5 ? { label: random.pick(labels) } : { fact }
  const value = () => ('fact' in field ? randomValue(random, fact) : random.pick(texts))
  const tests: Condition[] = [
    { ...field, equals: value() },
    { ...field, in: Array.from({ length: random.between(0, 3) }, value) },
    { ...field, prefix: value().slice(0, random.between(0, 6)) },
    { ...field, glob: `${value().slice(0, 3)}*` },
    { ...field, exists: random.next() < 0.5 },
  ]
  // Conditions of equality are twice as frequent, because the index is about them.
  return random.pick([...tests, ...tests.slice(0, 2)])
}

function randomValue(random: Seeded, fact: (typeof selectorFacts)[number]): string {
  if (fact === 'mac') return random.pick([...macs, '52-54-00-00-00-0A', '5254.0000.0001', 'no MAC'])
  if (fact === 'uuid') return random.pick([...uuids, uuids[0].toUpperCase(), 'no UUID'])
  if (fact === 'arch') return random.pick(['x86_64', 'arm64'])
  if (fact === 'platform') return random.pick(['efi', 'pcbios'])
  return fact === 'ip' ? random.pick(['192.0.2.1', '192.0.2.2']) : random.pick(texts)
}

function randomMachine(random: Seeded): Machine {
  const some = <Value>(value: Value) => (random.next() < 0.5 ? value : undefined)
  const names = { serial: some('X1'), product: some(randomValue(random, 'product')), hostname: some('X1') }
  const entered = { ...names, uuid: some(random.pick(uuids)), asset: some('X 1') }
  const facts = {
    ...{ mac: some(random.pick(macs)), uuid: some(random.pick(uuids)), ip: some('192.0.2.1') },
    ...{ product: some(randomValue(random, 'product')), buildarch: some('arm64'), platform: some('pcbios') },
  }
  const labelled = labels.flatMap((label) => (random.next() < 0.5 ? [[label, random.pick(texts)]] : []))
  return machineOf({
    ...present(entered),
    macs: macs.filter(() => random.next() < 0.4),
    labels: Object.fromEntries(labelled),
    facts: present(facts),
  })
}

function present(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

/** Whether a condition holds, as docs/reference describes it, without anything that is compiled or indexed. */
function holds(condition: Condition, { facts, labels }: Subject): boolean {
  const fact = 'fact' in condition ? condition.fact : undefined
  const own = 'fact' in condition ? (facts[condition.fact] ?? []) : labelOf(labels, condition.label)
  if ('exists' in condition) return own.length > 0 === condition.exists
  const spelled = own.map((value) => spell(fact, value))
  if ('equals' in condition) return spelled.some((value) => isEqual(fact, value, condition.equals))
  if ('in' in condition) return spelled.some((value) => condition.in.some((other) => isEqual(fact, value, other)))
  if ('glob' in condition) return spelled.some((value) => matchesGlob(spellPart(fact, condition.glob), value))
  if ('prefix' in condition) return spelled.some((value) => value.startsWith(spellPrefix(fact, condition.prefix)))
  return false
}

function labelOf(labels: Record<string, string>, label: string): string[] {
  return Object.hasOwn(labels, label) ? [labels[label] as string] : []
}

function isEqual(fact: string | undefined, value: string, other: string): boolean {
  const swapped = fact === 'uuid' && uuids.includes(other.toLowerCase() as never)
  return spell(fact, other) === value || (swapped && uuids.includes(value as never))
}

function spell(fact: string | undefined, value: string): string {
  return fact === 'mac' ? (parseMac(value) ?? value.toLowerCase()) : spellPart(fact, value)
}

function spellPart(fact: string | undefined, text: string): string {
  return fact !== undefined && ['hostname', 'mac', 'uuid', 'ip'].includes(fact) ? text.toLowerCase() : text
}

function spellPrefix(fact: string | undefined, prefix: string): string {
  if (fact !== 'mac') return spellPart(fact, prefix)
  return (
    prefix
      .replaceAll(/[^0-9a-f]/gi, '')
      .toLowerCase()
      .match(/..?/g) ?? []
  ).join(':')
}
