import { InputError } from '../../lib/errors.ts'
import { parseMac } from '../../lib/ids/mac.ts'
import { formatUuid } from '../../lib/ids/uuid.ts'
import { archs, platforms } from '../../model/arch.ts'
import type { Facts } from '../../model/facts.ts'

/** Longest value taken from a query; SMBIOS strings are rarely past 64. */
const mostCharacters = 255

/** What SMBIOS and DHCP may fill with any character: iPXE sends these in hexadecimal too. */
const free = ['serial', 'asset', 'manufacturer', 'product', 'hostname'] as const

/**
 * The facts that a machine reports in the query of its script's URL. Unknown names and empty values are left out, as are
 * values that cannot be shown. `+` stands for itself (RFC 3986): iPXE writes a space as %20. `serial.hex=` is the serial
 * in hexadecimal, and comes before `serial=`. The reason: iPXE before November 2021 does not encode `&` and `#` in a value. A
 * hardware address of another kind than Ethernet's is left out where something else says which machine it is.
 * @throws InputError for a MAC that is not one, and when there is nothing to know the machine by
 */
export function parseFacts(query: string, macInPath?: string): Facts {
  const values = parseQuery(query)
  const given = macInPath ?? values.get('mac')
  const mac = given === undefined ? undefined : parseMac(given)
  const uuid = values.get('uuid')
  const texts = Object.fromEntries(free.map((name) => [name, freeText(values, name)]))
  if (given !== undefined && mac === undefined && (macInPath !== undefined || (uuid ?? texts.serial) === undefined))
    throw new InputError({ field: 'mac', value: given, expected: 'a MAC address such as 52-54-00-12-34-56' })
  const said = {
    mac,
    uuid: uuid && (formatUuid(uuid) ?? uuid),
    ...texts,
    version: values.get('version'),
    ip: values.get('ip'),
    platform: platforms.find((one) => one === values.get('platform')),
    buildarch: archs.find((one) => one === (values.get('buildarch') ?? values.get('arch'))),
    cpuarch: archs.find((one) => one === values.get('cpuarch')),
    secureBoot: values.has('sb') ? values.get('sb') === '01' : undefined,
  }
  if (said.mac === undefined && said.uuid === undefined && texts.serial === undefined) {
    throw new InputError({ field: 'mac', value: '', expected: 'a MAC address, a uuid, or a serial with a product' })
  }
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
}

function freeText(values: Map<string, string>, name: string): string | undefined {
  const hex = values.get(`${name}.hex`) ?? ''
  if (!/^([0-9a-f]{2})+$/i.test(hex)) return values.get(name)
  const text = decodeBytes(Buffer.from(hex, 'hex')).replaceAll('\0', '').trim()
  return isShown(text) ? text : undefined
}

// SMBIOS says nothing of the encoding of its strings: those that are no UTF-8 are most often Latin-1.
function decodeBytes(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

function isShown(value: string): boolean {
  return value !== '' && value.length <= mostCharacters && !/[\x00-\x1f\x7f-\x9f]/.test(value)
}

/** The values of a query by name, the first of each; empty and unprintable ones are left out. */
export function parseQuery(query: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const pair of query.split('&').slice(0, 64)) {
    const at = pair.indexOf('=')
    const value = decode(pair.slice(at + 1)).trim()
    const name = pair.slice(0, at)
    if (at > 0 && isShown(value) && !values.has(name)) values.set(name, value)
  }
  return values
}

// SMBIOS strings come in any encoding: what is no UTF-8 stays as it was written.
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
