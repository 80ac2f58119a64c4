import { describe, expect, test } from 'vitest'
import { swapUuid } from '../../../src/lib/ids/uuid.ts'
import type { Facts } from '../../../src/model/facts.ts'
import { type Candidate, type Identity, identify, identityKeys } from '../../../src/model/identity/identity.ts'
import { type Machine, nameOf } from '../../../src/model/machine.ts'

const [u1, u2] = ['4c4c4544-0042-3510-8054-b7c04f4e3332', '0f6a1d3e-2b4c-4d5e-8f90-a1b2c3d4e5f1'] as const
const [m1, m2, m3, m4] = ['52:54:00:00:00:01', '52:54:00:00:00:02', '52:54:00:00:00:03', '52:54:00:00:00:04'] as const
const product = 'PowerEdge R640'

function machine(id: string, known: Partial<Machine> = {}): Machine {
  const now = new Date(0)
  const nothing = { discovered: false, discoveredFrom: '', denied: false, macs: [], labels: {}, facts: {}, revision: 1 }
  return { id, ...nothing, createdAt: now, updatedAt: now, ...known }
}

/** Every candidate with the MACs that asked for it with a key of its own, and said what it was entered with. */
function candidates(machines: Machine[], claims: Record<string, string[]> = {}): Candidate[] {
  return machines.map((machine) => {
    const { uuid, serial } = machine
    const facts = { ...(uuid && { uuid }), ...(serial && { serial, product }) }
    return { machine, claims: (claims[machine.id] ?? []).map((mac) => ({ mac, facts: { mac, ...facts } })) }
  })
}

/** `M1`, `M1 weak`, `conflict` or `nobody`; with `, in doubt` where it may be a machine that was entered. */
function outcome(identity: Identity): string {
  if ('conflict' in identity) return 'conflict'
  const doubt = identity.doubt === undefined ? '' : ', in doubt'
  if (!('machine' in identity)) return `nobody${doubt}`
  return `${identity.machine.id}${identity.weak === undefined ? '' : ' weak'}${doubt}`
}

describe('the keys in facts', () => {
  test.each<[string, Facts, object]>([
    ['nothing', {}, { uuids: [] }],
    ['a UUID in both byte orders', { mac: m1, uuid: u1 }, { mac: m1, uuids: [u1, swapUuid(u1)] }],
    [
      'no placeholder',
      { mac: m1, uuid: '11111111-2222-3333-4444-555555555555', serial: 'None', product },
      { mac: m1, uuids: [] },
    ],
    ['a serial only with its product', { serial: 'S1' }, { uuids: [] }],
    ['a serial with its product', { serial: 'S1', product }, { uuids: [], serial: 'S1', product }],
  ])('%s', (_, facts, keys) => {
    expect(identityKeys(facts)).toEqual(keys)
  })

  test('include a UUID in the other byte order, with its first three fields reversed', () => {
    expect(swapUuid(u1)).toBe('44454c4c-4200-1035-8054-b7c04f4e3332')
    expect(swapUuid(swapUuid(u1))).toBe(u1)
  })

  test('give a machine its name: the host name, else a MAC, else the id', () => {
    const names = [machine('1', { hostname: 'n', macs: [m1] }), machine('2', { macs: [m1] }), machine('3')].map(nameOf)
    expect(names).toEqual(['n', m1, '3'])
  })
})

describe('the machine of a request', () => {
  const M1 = machine('M1', { macs: [m1], uuid: u1 })
  const bare = machine('M1', { uuid: u1 })
  const byMac = machine('M2', { macs: [m2] })
  const withSerial = machine('M1', { macs: [m1], serial: 'S1', product })
  const seen = (mac: string, facts: Facts) =>
    machine(`D${mac.at(-1)}`, { discovered: true, macs: [mac], facts: { mac, ...facts } })

  test.each<[string, Facts, Candidate[], string]>([
    ['its MAC, and nothing contradicts', { mac: m1 }, candidates([M1]), 'M1'],
    ['its MAC and UUID', { mac: m1, uuid: u1 }, candidates([M1]), 'M1'],
    ['its UUID in the other byte order', { mac: m1, uuid: swapUuid(u1) }, candidates([M1]), 'M1'],
    [
      'its MAC with a placeholder for a UUID',
      { mac: m1, uuid: '03000200-0400-0500-0006-000700080009' },
      candidates([M1]),
      'M1',
    ],
    [
      'its MAC in another computer: a USB adapter',
      { mac: m1, uuid: u2, serial: 'S2', product },
      candidates([M1]),
      'M1 weak',
    ],
    [
      'its MAC, and what it reported before contradicts',
      { mac: m1 },
      candidates([{ ...M1, facts: { uuid: u2 } }]),
      'M1 weak',
    ],
    ['its MAC with another serial', { mac: m1, serial: 'S2', product }, candidates([withSerial]), 'M1 weak'],
    ['its MAC with its serial in other capitals', { mac: m1, serial: 's1', product }, candidates([withSerial]), 'M1'],
    [
      'its MAC with a placeholder for a serial',
      { mac: m1, serial: 'Default string', product },
      candidates([withSerial]),
      'M1',
    ],
    ['its MAC, another machine has the UUID', { mac: m2, uuid: u1 }, candidates([byMac, M1]), 'M2 weak'],
    [
      'its MAC, another has the UUID that it always reported',
      { mac: m2, uuid: u1 },
      candidates([{ ...byMac, facts: { uuid: swapUuid(u1) } }, M1]),
      'M2',
    ],
    [
      'its MAC, and another without MACs has the UUID that it always reported',
      { mac: m2, uuid: u1 },
      candidates([{ ...byMac, facts: { uuid: u1 } }, bare]),
      'M2 weak',
    ],
    [
      'its MAC, and another without MACs has the serial',
      { mac: m2, serial: 'S1', product },
      candidates([byMac, machine('M1', { serial: 'S1', product })]),
      'M2 weak',
    ],
    [
      'its MAC with a placeholder for the UUID that it reported before',
      { mac: m1, uuid: '00020003-0004-0005-0006-000700080009' },
      candidates([{ ...M1, facts: { uuid: swapUuid(u1) } }]),
      'M1 weak',
    ],
    [
      'its MAC with a placeholder for the serial that it reported before',
      { mac: m1, serial: 'To be filled by O.E.M.', product },
      candidates([{ ...withSerial, facts: { serial: 's1', product } }]),
      'M1 weak',
    ],
    [
      'its UUID with a placeholder for the serial that it reported before',
      { mac: m3, uuid: u1, serial: 'None' },
      candidates([{ ...bare, serial: 'S1', facts: { serial: 'S1' } }]),
      'M1 weak',
    ],
    [
      'its MAC with no word of the UUID that it reported',
      { mac: m1 },
      candidates([{ ...M1, facts: { uuid: u1 } }]),
      'M1',
    ],
    [
      'a discovered machine with what an entered one reported',
      { mac: m3, uuid: u1 },
      candidates([{ ...byMac, facts: { uuid: swapUuid(u1) } }, seen(m3, {}), seen(m4, { uuid: u1 })]),
      'D3, in doubt',
    ],
    [
      'what an entered machine reported, with another serial',
      { mac: m3, uuid: u1, serial: 'S2', product },
      candidates([{ ...byMac, facts: { uuid: u1, serial: 'S1', product } }]),
      'nobody',
    ],
    [
      'what only discovered machines report',
      { mac: m3, uuid: u1 },
      candidates([seen(m3, { uuid: u1 }), seen(m4, { uuid: u1 }), seen(m2, { uuid: u1 })]),
      'D3',
    ],
    ['a person after the UUID of a card', { uuid: u1 }, candidates([bare], { M1: [m3] }), 'M1'],
    ['a person after the UUID of two cards', { uuid: u1 }, candidates([bare], { M1: [m3, m4] }), 'nobody, in doubt'],
    ['no MAC beside the card that was seen', { uuid: u1 }, candidates([bare], { M1: [m3, ''] }), 'nobody, in doubt'],
    [
      'the card beside one without a MAC',
      { mac: m3, uuid: u1 },
      candidates([bare], { M1: [m3, ''] }),
      'nobody, in doubt',
    ],
    ['an unknown MAC with the UUID of one that has MACs', { mac: m3, uuid: u1 }, candidates([M1]), 'M1 weak'],
    ['a second unknown MAC with it', { mac: m3, uuid: u1 }, candidates([M1], { M1: [m4] }), 'nobody, in doubt'],
    ['the first one again, alone', { mac: m3, uuid: u1 }, candidates([M1], { M1: [m3] }), 'M1 weak'],
    ['no MAC with the UUID of one that has MACs', { uuid: u1 }, candidates([M1]), 'M1 weak'],
    ['no MAC with the UUID of one that has none', { uuid: u1 }, candidates([bare]), 'M1'],
    ['a MAC with the UUID of one that has none', { mac: m3, uuid: u1 }, candidates([bare], { M1: [m3] }), 'M1'],
    ['another MAC with it', { mac: m4, uuid: u1 }, candidates([bare], { M1: [m3, m4] }), 'nobody, in doubt'],
    ['the first of two that say it', { mac: m3, uuid: u1 }, candidates([bare], { M1: [m3, m4] }), 'nobody, in doubt'],
    [
      'a UUID that an entered machine reports',
      { mac: m3, uuid: u1 },
      candidates([bare, { ...byMac, facts: { uuid: u1 } }]),
      'nobody, in doubt',
    ],
    [
      'a UUID that a discovered machine reports',
      { mac: m3, uuid: u1 },
      candidates([bare, seen(m4, { uuid: swapUuid(u1) })]),
      'nobody, in doubt',
    ],
    ['the discovered machine that reports it', { mac: m4, uuid: u1 }, candidates([bare, seen(m4, { uuid: u1 })]), 'M1'],
    [
      'the discovered one, where the entered one has MACs',
      { mac: m4, uuid: u1 },
      candidates([M1, seen(m4, { uuid: u1 })]),
      'M1 weak',
    ],
    [
      'a UUID that was only reported',
      { mac: m3, uuid: u1 },
      candidates([{ ...byMac, facts: { uuid: u1 } }]),
      'nobody, in doubt',
    ],
    [
      'a serial that was only reported',
      { mac: m3, serial: '7X06', product },
      candidates([{ ...byMac, facts: { serial: '7X06', product } }]),
      'nobody, in doubt',
    ],
    ['a discovered machine by its MAC', { mac: m3, uuid: u1 }, candidates([seen(m3, { uuid: u1 })]), 'D3'],
    [
      'a serial with its product',
      { mac: m3, serial: 'S1', product },
      candidates([machine('M1', { serial: 'S1', product })]),
      'M1',
    ],
    [
      'a serial of another product',
      { mac: m3, serial: 'S1', product: 'X2' },
      candidates([machine('M1', { serial: 'S1', product })]),
      'nobody',
    ],
    [
      'a serial without a product',
      { mac: m3, serial: 'S1' },
      candidates([machine('M1', { serial: 'S1', product })]),
      'nobody',
    ],
    [
      'a serial, though the UUID is another',
      { mac: m3, uuid: u2, serial: 'S1', product },
      candidates([machine('M1', { uuid: u1, serial: 'S1', product })]),
      'M1 weak',
    ],
    [
      'a UUID of one and a serial of another',
      { mac: m3, uuid: u1, serial: 'S2', product },
      candidates([bare, machine('M2', { serial: 'S2', product })]),
      'conflict',
    ],
    [
      'a UUID that two machines without MACs have',
      { mac: m3, uuid: u1 },
      candidates([bare, machine('M2', { uuid: u1 })]),
      'conflict',
    ],
    [
      'a UUID that two boards were entered with',
      { mac: m3, uuid: u1 },
      candidates([M1, machine('M2', { macs: [m2], uuid: u1 })]),
      'nobody, in doubt',
    ],
    ['one of the two boards', { mac: m2, uuid: u1 }, candidates([M1, machine('M2', { macs: [m2], uuid: u1 })]), 'M2'],
    ['nothing that anything has', { mac: m3, uuid: u2 }, candidates([M1]), 'nobody'],
    ['nothing at all', {}, candidates([bare]), 'nobody'],
  ])('%s', (_, facts, list, expected) => {
    const identity = identify(facts, list)
    expect(outcome(identity)).toBe(expected)
    // The order in which a database gives them says nothing.
    expect(outcome(identify(facts, [...list].reverse()))).toBe(expected)
    if (expected.endsWith('weak') && 'machine' in identity)
      expect(identity.notices.join('\n')).toMatch(
        /bootwright machine set \S+ --(add-mac|remove-mac|clear-uuid|clear-serial)/,
      )
  })

  test.each<[string, Facts, Candidate[], RegExp]>([
    [
      'a UUID that belongs to another',
      { mac: m2, uuid: u1 },
      candidates([byMac, M1]),
      /UUID \S+ was entered for 52:54:00:00:00:01, and 52:54:00:00:00:02 reports it/,
    ],
    [
      'its second card',
      { mac: m3, uuid: u1 },
      candidates([{ ...byMac, facts: { uuid: u1 } }]),
      /this is probably 52:54:00:00:00:02, .*\n.*bootwright machine merge 52:54:00:00:00:02 --from 52:54:00:00:00:03/,
    ],
    [
      'a value that many report',
      { mac: m3, uuid: u1 },
      candidates([{ ...byMac, facts: { uuid: u1 } }, seen(m4, { uuid: u1 })]),
      /2 other machines report .*, so it identifies no machine\n.*machine merge 52:54:00:00:00:02 --from 52:54:00:00:00:03\n.*another machine: bootwright machine set 52:54:00:00:00:03$/,
    ],
    [
      'a UUID and a serial that it never reported before',
      { mac: m2, uuid: u2, serial: 'S2', product },
      candidates([{ ...byMac, facts: { uuid: u1, serial: 'S1', product } }]),
      /now reports UUID \S+ instead of \S+ and serial S2 instead of S1: its network adapter may be in another computer\n.*--remove-mac 52:54:00:00:00:02/,
    ],
    [
      'a card without an address',
      { uuid: u1 },
      candidates([M1]),
      /to identify it only by its UUID: bootwright machine set M1 --remove-mac 52:54:00:00:00:01/,
    ],
    [
      'a key that another claims',
      { mac: m3, uuid: u1 },
      candidates([bare], { M1: [m4] }),
      /was entered for M1, but 52:54:00:00:00:04 has it too, so it identifies no machine\n.*machine set \S+ --add-mac 52:54:00:00:00:03 --add-mac 52:54:00:00:00:04\n.*--clear-uuid/,
    ],
  ])('has a notice about %s', (_, facts, list, expected) => {
    const identity = identify(facts, list)
    expect('notices' in identity ? identity.notices.join('\n') : '').toMatch(expected)
  })

  test('is not probably a machine with another serial', () => {
    const other = { ...byMac, facts: { uuid: u1, serial: 'S1', product } }
    expect(identify({ mac: m3, uuid: u1, serial: 'S2', product }, candidates([other]))).toEqual({
      notices: [],
      claimed: [],
    })
  })
})

// Every combination of M1's entered values, the request and the other machines, compared with the written rules.
describe('the rules of identity', () => {
  const enteredMacs = [[], [m1], [m1, m2]]
  const enteredKeys: Partial<Machine>[] = [
    {},
    { uuid: u1 },
    { serial: 'S1', product },
    { uuid: u1, serial: 'S1', product },
  ]
  const askedMacs = [undefined, m1, m3]
  const askedUuids = [undefined, u1, swapUuid(u1), u2, '00000000-0000-0000-0000-000000000000']
  const askedSerials = [undefined, 'S1', 'S2', 'Default string']
  const claims = [[], [m3], [m4]]
  const cases = enteredMacs.flatMap((macs) =>
    enteredKeys
      .filter((keys) => macs.length + Object.keys(keys).length > 0)
      .flatMap((keys) =>
        askedMacs.flatMap((mac) =>
          askedUuids.flatMap((uuid) =>
            askedSerials.flatMap((serial) => claims.map((claimed) => ({ macs, keys, mac, uuid, serial, claimed }))),
          ),
        ),
      ),
  )

  /** The rules of docs/decisions/005-identity.md, one after the other. */
  function expected({ macs, keys, mac, uuid, serial, claimed }: (typeof cases)[number]): string {
    const saysUuid = uuid !== undefined && !uuid.startsWith('0000')
    const saysSerial = serial !== undefined && serial !== 'Default string'
    const uuidFits = keys.uuid !== undefined && (uuid === u1 || uuid === swapUuid(u1))
    const serialFits = keys.serial !== undefined && serial === 'S1'
    const contradicts =
      (keys.uuid !== undefined && saysUuid && !uuidFits) || (keys.serial !== undefined && saysSerial && !serialFits)
    if (mac !== undefined && macs.some((own) => own === mac)) return contradicts ? 'M1 weak' : 'M1'
    if (!uuidFits && !serialFits) return 'nobody'
    // One card that was seen is the machine that a person asks after without a MAC.
    if (mac !== undefined && claimed.some((other) => other !== mac)) return 'nobody, in doubt'
    return macs.length > 0 || contradicts ? 'M1 weak' : 'M1'
  }

  test(`hold for all ${cases.length} combinations`, () => {
    expect(cases.length).toBeGreaterThan(1500)
    const wrong = cases.flatMap((combination) => {
      const { macs, keys, mac, uuid, serial, claimed } = combination
      const facts: Facts = { ...(mac && { mac }), ...(uuid && { uuid }), ...(serial && { serial, product }) }
      const found = outcome(identify(facts, candidates([machine('M1', { macs, ...keys })], { M1: claimed })))
      return found === expected(combination) ? [] : [{ ...combination, found, expected: expected(combination) }]
    })
    expect(wrong).toEqual([])
  })
})
