// Parses the facts in the query of a script's URL. Pure; called by script.ts and files.ts.
import { InputError } from '../../lib/errors.ts'
import { parseMac } from '../../lib/ids/mac.ts'
import { formatUuid } from '../../lib/ids/uuid.ts'
import { filled } from '../../lib/text/filled.ts'
import { archs, platforms } from '../../model/arch.ts'
import type { Facts } from '../../model/facts.ts'

/** Maximum length of a value. SMBIOS strings are rarely longer than 64 characters. */
const maxCharacters = 255

/** Facts from SMBIOS and DHCP with arbitrary characters: iPXE also sends them in hexadecimal. */
const textFacts = ['serial', 'asset', 'manufacturer', 'product', 'hostname'] as const

/**
 * The facts in the query of a script's URL. Unknown names, empty values and unprintable values are left out. `+` is not
 * decoded (RFC 3986): iPXE writes a space as %20. `serial.hex=` is the serial in hexadecimal and wins over `serial=`, because
 * iPXE before November 2021 does not encode `&` and `#`. A hardware address that is not a MAC is left out if the query has a
 * UUID or a serial.
 * @throws InputError for an invalid MAC, and if the query has no key of a machine
 */
export function parseFacts(query: string, macInPath?: string): Facts {
  const values = parseQuery(query)
  const given = macInPath ?? values.get('mac')
  const mac = given === undefined ? undefined : parseMac(given)
  const uuid = values.get('uuid')
  const texts: { [Name in (typeof textFacts)[number]]?: string | undefined } = {}
  for (const name of textFacts) texts[name] = textFact(values, name)
  if (given !== undefined && mac === undefined && (macInPath !== undefined || (uuid ?? texts.serial) === undefined))
    throw new InputError({ field: 'mac', value: given, expected: 'a MAC address such as 52-54-00-12-34-56' })
  const facts = {
    mac,
    uuid: uuid && (formatUuid(uuid) ?? uuid),
    ...texts,
    version: values.get('version'),
    ip: values.get('ip'),
    platform: platforms.find((platform) => platform === values.get('platform')),
    buildarch: archs.find((arch) => arch === (values.get('buildarch') ?? values.get('arch'))),
    cpuarch: archs.find((arch) => arch === values.get('cpuarch')),
    secureBoot: values.has('sb') ? values.get('sb') === '01' : undefined,
  }
  if (facts.mac === undefined && facts.uuid === undefined && texts.serial === undefined) {
    throw new InputError({ field: 'mac', value: '', expected: 'a MAC address, a uuid, or a serial with a product' })
  }
  return filled(facts)
}

function textFact(values: Map<string, string>, name: string): string | undefined {
  const hex = values.get(`${name}.hex`)
  if (hex === undefined || !/^([0-9a-f]{2})+$/i.test(hex)) return values.get(name)
  const text = decodeBytes(Buffer.from(hex, 'hex')).replaceAll('\0', '').trim()
  return isPrintable(text) ? text : undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

// SMBIOS does not define the encoding of its strings. Strings that are not UTF-8 are usually Latin-1.
function decodeBytes(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

function isPrintable(value: string): boolean {
  return value !== '' && value.length <= maxCharacters && !/[\x00-\x1f\x7f-\x9f]/.test(value)
}

/** The values of a query by name. The first value of a name wins. Empty and unprintable values are left out. */
export function parseQuery(query: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const pair of query.split('&').slice(0, 64)) {
    const at = pair.indexOf('=')
    const value = decode(pair.slice(at + 1)).trim()
    const name = pair.slice(0, at)
    if (at > 0 && isPrintable(value) && !values.has(name)) values.set(name, value)
  }
  return values
}

// SMBIOS strings may have any encoding. Text that is not UTF-8 stays encoded.
function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
