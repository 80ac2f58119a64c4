// The keys by which machines are found, of requests and of entries. Used by entries.ts and find-entries.ts.
import type { Facts } from '../../../model/facts.ts'
import { folded } from '../../../model/identity/contradictions.ts'
import { identityKeys } from '../../../model/identity/identity.ts'
import type { Entry } from './entry.ts'

/** The kinds of keys. `reported`: the values in the facts of a machine, not those that an operator entered. */
export const keyKinds = ['mac', 'uuid', 'serial', 'reportedUuid', 'reportedSerial'] as const
export type KeyKind = (typeof keyKinds)[number]

/** A key: its kind and its value. A serial is one value with its product, both folded. */
export type Key = readonly [kind: KeyKind, value: string]

/** A key of a request. The candidates of a lower rank come first. */
export type RankedKey = { key: Key; rank: 1 | 2 | 3 }

/** The limit of machines for each key of a request: with two of them the value identifies nothing. */
export const maxOfEach = 4

/** The keys of a request. */
export function keysOfFacts(facts: Facts): RankedKey[] {
  const { mac, uuids, serial, product } = identityKeys(facts)
  const pair = pairOf(serial, product)
  return [
    ...(mac === undefined ? [] : [{ key: ['mac', mac], rank: 1 } as const]),
    ...uuids.map((uuid) => ({ key: ['uuid', uuid], rank: 2 }) as const),
    ...(pair === undefined ? [] : [{ key: ['serial', pair], rank: 2 } as const]),
    ...uuids.map((uuid) => ({ key: ['reportedUuid', uuid], rank: 3 }) as const),
    ...(pair === undefined ? [] : [{ key: ['reportedSerial', pair], rank: 3 } as const]),
  ]
}

/** The keys by which the machine of an entry is found. */
export function keysOfEntry({ machine, macs }: Pick<Entry, 'machine' | 'macs'>): Key[] {
  const { uuid, serial, product, facts } = machine
  const entered = pairOf(serial, product)
  const own = pairOf(facts.serial, facts.product)
  // One text in memory if both are the same.
  const reported = own === entered ? entered : own
  return [
    ...macs.map((mac) => ['mac', mac] as const),
    ...(uuid === undefined ? [] : [['uuid', uuid] as const]),
    ...(entered === undefined ? [] : [['serial', entered] as const]),
    ...(facts.uuid === undefined ? [] : [['reportedUuid', facts.uuid] as const]),
    ...(reported === undefined ? [] : [['reportedSerial', reported] as const]),
  ]
}

function pairOf(serial: string | undefined, product: string | undefined): string | undefined {
  return serial === undefined || product === undefined ? undefined : `${folded(serial)}\n${folded(product)}`
}
