import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/inventory/roster/entries/entry.ts'
import { packEntry, unpackEntry } from '../../../src/inventory/roster/entries/packed-entry.ts'

const small: Entry = {
  machine: {
    ...{ id: '01900000-0000-7000-8000-000000000001', discovered: true, denied: false, discoveredFrom: '' },
    ...{ facts: {}, revision: 1, createdAt: 1, updatedAt: 2 },
  },
  macs: [],
}
const large: Entry = {
  machine: {
    ...small.machine,
    ...{
      discovered: false,
      denied: true,
      discoveredFrom: '10.0.0.1',
      uuid: 'u',
      serial: 's',
      product: 'p',
      asset: 'a',
    },
    ...{ hostname: 'h', labels: { rack: '0' }, assignment: { image: 'i' } },
    facts: { mac: '52:54:00:00:00:01', secureBoot: false, hostname: '0', ...{ later: 1 } },
  },
  macs: ['52:54:00:00:00:01'],
  namesake: true,
  claims: [{ mac: '', facts: { uuid: 'u' } }],
  deployment: {
    ...{ id: 'd', image: 'i', version: null, assignment: {}, state: 'armed', attempts: 0, maxAttempts: 3 },
    ...{ windowSeconds: 1, reason: null, lateAt: 0 },
  },
  secrets: [['name', 'sealed']],
}

describe('a packed entry', () => {
  test('has all values of the entry, also facts of another version', () => {
    for (const entry of [small, large]) expect(unpackEntry(packEntry(entry))).toEqual(entry)
  })
})
