import { describe, expect, test } from 'vitest'
import type { Facts } from '../../src/inventory/facts.ts'
import { identify, identityKeys, nameOf, parseUuid, realValue, swapUuid } from '../../src/inventory/identity.ts'
import type { Machine } from '../../src/inventory/machines.ts'

const uuid = '4c4c4544-0042-3510-8054-b7c04f4e3332'
const swapped = '44454c4c-4200-1035-8054-b7c04f4e3332'
const mac = '52:54:00:12:34:56'

function machine(id: string, known: Partial<Machine> = {}): Machine {
  const now = new Date(0)
  return {
    id,
    discovered: false,
    denied: false,
    macs: [],
    labels: {},
    facts: {},
    revision: 1,
    createdAt: now,
    updatedAt: now,
    ...known,
  }
}

describe('a UUID', () => {
  test.each<[string, string | undefined]>([
    [uuid, uuid],
    [uuid.toUpperCase(), uuid],
    [uuid.replaceAll('-', ''), uuid],
    [` {${uuid}} `, uuid],
    ['00000000-0000-0000-0000-000000000000', undefined],
    ['FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', undefined],
    ['03000200-0400-0500-0006-000700080009', undefined],
    ['00020003-0004-0005-0006-000700080009', undefined],
    ['12345678-1234-5678-90AB-CDDEEFAABBCC', undefined],
    ['4c4c4544-0042-3510-8054-b7c04f4e333', undefined],
    ['Not Settable', undefined],
    ['', undefined],
  ])('%j is read as %j', (text, expected) => {
    expect(parseUuid(text)).toBe(expected)
  })

  test('has its first three fields reversed in the other byte order', () => {
    expect(swapUuid(uuid)).toBe(swapped)
    expect(swapUuid(swapped)).toBe(uuid)
  })
})

describe('a serial, product or asset', () => {
  test.each([
    'To Be Filled By O.E.M.',
    'to be  filled by o.e.m.',
    'Default string',
    'System Serial Number',
    'None',
    'N/A',
    '0',
    '00000000',
    '0x00000000',
    'FFFFFFFF',
    'xxxxxxx',
    '----',
    '....',
    ' ',
    '',
    '0123456789',
    'Not Specified',
  ])('%j is a placeholder', (text) => {
    expect(realValue(text)).toBeUndefined()
  })

  test.each([
    ['5CG1234XYZ', '5CG1234XYZ'],
    [' PF0ABCDE ', 'PF0ABCDE'],
    ['F00D', 'F00D'],
    ['PowerEdge R640', 'PowerEdge R640'],
    ['10', '10'],
  ])('%j counts', (text, expected) => {
    expect(realValue(text)).toBe(expected)
  })
})

describe('the keys in facts', () => {
  test.each<[string, Facts, object]>([
    ['nothing', {}, { uuids: [] }],
    ['a UUID in both byte orders', { mac, uuid }, { mac, uuids: [uuid, swapped] }],
    [
      'no placeholder',
      { mac, uuid: '03000200-0400-0500-0006-000700080009', serial: 'None', product: 'X1' },
      { mac, uuids: [] },
    ],
    ['a serial only with its product', { serial: 'S1' }, { uuids: [] }],
    ['a serial with its product', { serial: 'S1', product: 'X1' }, { uuids: [], serial: 'S1', product: 'X1' }],
  ])('%s', (_, facts, keys) => {
    expect(identityKeys(facts)).toEqual(keys)
  })
})

describe('who a request comes from', () => {
  const keys = identityKeys({ mac, uuid, serial: 'S1', product: 'X1' })
  const byMac = machine('1', { macs: [mac] })
  const byUuid = machine('2', { uuid: swapped, hostname: 'node2' })
  const bySerial = machine('3', { serial: 'S1', product: 'X1' })
  const discovered = machine('4', { macs: [mac], uuid, discovered: true })

  test.each<[string, Machine[], string | undefined, string | undefined]>([
    ['nobody', [], undefined, undefined],
    ['the one with the MAC', [byMac], '1', `MAC ${mac}`],
    ['the one with the UUID in the other byte order', [byUuid], '2', `UUID ${swapped}`],
    ['the one with the serial and the product', [bySerial], '3', 'serial S1'],
    [
      'not the one with the serial of another product',
      [machine('5', { serial: 'S1', product: 'X2' })],
      undefined,
      undefined,
    ],
    ['not the one with a serial and no product', [machine('5', { serial: 'S1' })], undefined, undefined],
    ['the one discovered, when there is no other', [discovered], '4', `MAC ${mac}`],
  ])('%s', (_, candidates, id, matchedBy) => {
    const identity = identify(keys, candidates)
    expect(identity && 'machine' in identity ? [identity.machine.id, identity.matchedBy] : identity).toEqual(
      id === undefined ? undefined : [id, matchedBy],
    )
  })

  test('a machine that was only discovered gives way to an entered one, even by a weaker key', () => {
    expect(identify(keys, [discovered, byUuid])).toEqual({
      machine: byUuid,
      matchedBy: `UUID ${swapped}`,
      passedOver: [`${mac} has the same MAC ${mac} but was only discovered`],
    })
  })

  test('two entered machines are a conflict that names both', () => {
    expect(identify(keys, [byUuid, byMac])).toEqual({
      conflict: [byMac, byUuid],
      why: `two machines claim it: ${mac} by MAC ${mac}, node2 by UUID ${swapped}`,
    })
  })

  test('machines are called by host name, else MAC, else id', () => {
    expect([byUuid, byMac, bySerial].map(nameOf)).toEqual(['node2', mac, '3'])
  })
})
