import type { Facts } from './facts.ts'
import type { Machine } from './machines.ts'

/** What machines are looked up by. A value that many machines share (a placeholder) is not among them. */
export type IdentityKeys = { mac?: string; uuids: string[]; serial?: string; product?: string }

/** Who a request was taken for. `conflict`: several machines that an operator entered lay claim to it. */
export type Identity =
  | { machine: Machine; matchedBy: string; passedOver: string[] }
  | { conflict: Machine[]; why: string }
  | undefined

/** The keys in what a machine says of itself. */
export function identityKeys(facts: Facts): IdentityKeys {
  const uuid = facts.uuid === undefined ? undefined : parseUuid(facts.uuid)
  const serial = realValue(facts.serial)
  const product = realValue(facts.product)
  return {
    ...(facts.mac !== undefined && { mac: facts.mac }),
    uuids: uuid === undefined ? [] : [uuid, swapUuid(uuid)],
    ...(serial !== undefined && product !== undefined && { serial, product }),
  }
}

/**
 * Which of the machines that share a key with the request it comes from: MAC before UUID (in either byte order) before
 * serial with product. A machine only discovered gives way to one that an operator entered; two entered ones are a conflict.
 */
export function identify(keys: IdentityKeys, candidates: Machine[]): Identity {
  const ranked = candidates
    .map((machine) => ({ machine, match: matchOf(keys, machine) }))
    .filter((one): one is { machine: Machine; match: Match } => one.match !== undefined)
    .sort((a, b) => a.match.rank - b.match.rank || (a.machine.id < b.machine.id ? -1 : 1))
  const entered = ranked.filter((one) => !one.machine.discovered)
  if (entered.length > 1) {
    const claims = entered.map((one) => `${nameOf(one.machine)} by ${one.match.by}`)
    return { conflict: entered.map((one) => one.machine), why: `two machines claim it: ${claims.join(', ')}` }
  }
  const first = entered[0] ?? ranked[0]
  if (first === undefined) return undefined
  const passedOver = ranked
    .filter((one) => one !== first)
    .map((one) => `${nameOf(one.machine)} has the same ${one.match.by} but was only discovered`)
  return { machine: first.machine, matchedBy: first.match.by, passedOver }
}

/** How messages call a machine: by its name (its host name where no other machine has that), else a MAC, else its id. */
export function nameOf({ id, name, hostname, macs }: NamedMachine): string {
  return name ?? hostname ?? macs[0] ?? id
}
type NamedMachine = { id: string; name?: string | undefined; hostname?: string | undefined; macs: string[] }

/** A UUID in lower case with hyphens; undefined when it is not one, or is a vendor's placeholder. */
export function parseUuid(text: string): string | undefined {
  const digits = text
    .trim()
    .toLowerCase()
    .replaceAll('-', '')
    .replace(/^\{(.*)\}$/, '$1')
  if (!/^[0-9a-f]{32}$/.test(digits) || /^(.)\1{31}$/.test(digits)) return undefined
  const uuid = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return placeholderUuids.has(uuid) || placeholderUuids.has(swapUuid(uuid)) ? undefined : uuid
}

/** The same UUID in the other byte order of SMBIOS: the first three fields are little-endian since version 2.6 (SMBIOS 7.2.1). */
export function swapUuid(uuid: string): string {
  const reverse = (field: string) => (field.match(/../g) ?? []).reverse().join('')
  return uuid
    .split('-')
    .map((field, index) => (index < 3 ? reverse(field) : field))
    .join('-')
}

/** A serial, product or asset value, or undefined when it is what vendors write for "none". */
export function realValue(text: string | undefined): string | undefined {
  const value = text?.trim()
  if (value === undefined || value === '' || /^([0x.\- ]+|[f-]+|[x\-*?]+)$/i.test(value)) return undefined
  return placeholders.has(value.toLowerCase().replaceAll(/\s+/g, ' ')) ? undefined : value
}

// AMI's default, seen on boards of many makers, and a sample UUID that some ship.
const placeholderUuids = new Set(['03000200-0400-0500-0006-000700080009', '12345678-1234-5678-90ab-cddeefaabbcc'])

const placeholders = new Set([
  'to be filled by o.e.m.',
  'to be filled by o.e.m',
  'default string',
  'system serial number',
  'system product name',
  'system manufacturer',
  'chassis serial number',
  'base board serial number',
  'not specified',
  'not applicable',
  'not available',
  'none',
  'null',
  'n/a',
  'na',
  'unknown',
  'invalid',
  'empty',
  'oem',
  'o.e.m.',
  'no asset tag',
  'no asset information',
  'asset tag',
  'asset-1234567890',
  '0123456789',
  '123456789',
  '1234567890',
  '01234567890123456789',
  'serial',
  'serial number',
  'type1productconfigid',
])

type Match = { rank: number; by: string }

function matchOf(keys: IdentityKeys, machine: Machine): Match | undefined {
  if (keys.mac !== undefined && machine.macs.includes(keys.mac)) return { rank: 1, by: `MAC ${keys.mac}` }
  if (machine.uuid !== undefined && keys.uuids.includes(machine.uuid)) return { rank: 2, by: `UUID ${machine.uuid}` }
  if (keys.serial !== undefined && machine.serial === keys.serial && machine.product === keys.product)
    return { rank: 3, by: `serial ${keys.serial}` }
  return undefined
}
