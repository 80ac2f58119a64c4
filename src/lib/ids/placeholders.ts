// Placeholders: the values that vendors write into a machine's firmware instead of a real serial, product or UUID.

/**
 * A serial, product or asset value; undefined for a placeholder. No list of placeholders is complete, so most are
 * recognized by their kind: the name of the field itself, a word for "nothing", one repeated character, or a counter.
 */
export function realValue(text: string | undefined): string | undefined {
  const value = text?.trim()
  if (value === undefined || value === '') return undefined
  const words = value
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
  const letters = words.replaceAll(' ', '')
  return isMask(value, letters) || isCounter(letters) || isEmptyPhrase(words, letters) ? undefined : value
}

/** Whether a UUID (lower case, with hyphens) is a placeholder. `swapped` is the same UUID in the other byte order. */
export function isPlaceholderUuid(uuid: string, swapped: string): boolean {
  return [uuid, swapped].some((spelling) => sharedUuids.has(spelling) || isPattern(spelling))
}

// Each of these UUIDs was found on many boards of the same vendor.
const sharedUuids = new Set([
  '03000200-0400-0500-0006-000700080009',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  '6ab5b300-538d-1014-9fb5-b0684d007b53',
  '4c4c4544-0000-2010-8020-80c04f202020',
])

/**
 * One repeated character, or a mask with at most three other characters: `00000000`, `CXXXXXXXXXXX`, `0x00000000`,
 * `....`.
 */
function isMask(value: string, letters: string): boolean {
  if (letters === '') return true
  const digits = letters.replace(/^0x(?=[0f]+$)/, '')
  if (/^(.)\1*$/u.test(digits)) return digits.length > 1 || /[0-9fx]/.test(digits)
  return /[xX*?#]{4}/.test(value) && value.replaceAll(/[xX*?#\s._-]/g, '').length <= 3
}

const rises = '0123456789'.repeat(10)
const falls = '9876543210'.repeat(10)

const counterPrefix =
  /^(sys|system|[bcms]?sn|ser|serial|asset|atn|tag|mb|board|chassis|oem|num|number|no|id|test)(?=[0-9]{7})/

/**
 * Digits that count up from 0 or 1, digits that count down, or zeros and a 1, with or without a prefix: `1234567890`,
 * `SYS-12345678`, `0001`.
 */
function isCounter(letters: string): boolean {
  const digits = letters.replace(counterPrefix, '')
  if (!/^[0-9]+$/.test(digits)) return /^[a-z]0{6,}1?$/.test(digits)
  const counts = /^[01]/.test(digits) && digits !== '10' && rises.includes(digits)
  const countsDown = digits.length >= 6 && falls.includes(digits)
  return counts || countsDown || /^0+[01]?$/.test(digits)
}

const fieldNames =
  /^(the )?(oem|o e m|system|sys|chassis|case|enclosure|base ?board|board|mother ?board|main ?board|machine|product|device|type ?1)* ?(serial|ser|sn|s n|asset|product|model|sku|part|uuid|tag|id|family|version|manufacturer|vendor)s? ?(serial|config|tag|tracking|information|info|number|num|no|nr|name|id|code|string|text|value)* ?(id|tag|number|string)? ?(?<count>[0-9]*)$/

const nothing = new Set([
  ...['none', 'null', 'nil', 'na', 'n a', 'nan', 'no', 'empty', 'blank', 'void', 'invalid', 'dummy', 'default'],
  ...['unknown', 'unknow', 'unkown', 'undefined', 'test', 'sample', 'example', 'string', 'text', 'tbd', 'todo'],
  ...['oem', 'o e m', '0123456789abcdef'],
])

/** The name of the field, or a phrase for an empty field: `SerNum01`, `Not Present`, `To Be Filled By O.E.M.` */
function isEmptyPhrase(words: string, letters: string): boolean {
  if (nothing.has(words) || nothing.has(letters)) return true
  const field = fieldNames.exec(
    words.replace(/([a-z])([0-9]+)$/, '$1 $2').replaceAll(/(ser|serial|asset)(num|number|no|tag)/g, '$1 $2'),
  )
  if (field !== null) return field.groups?.count === '' || isCounter(field.groups?.count ?? '')
  return (
    /\bto be (filled|set|defined|determined|programmed|entered|assigned)\b|\bfilled by\b|\bby o ?e ?m\b/.test(words) ||
    /^(not|no|non|un|in)[ ]?(yet )?(specified|available|applicable|present|set|settable|provided|defined|known|assigned|initiali[sz]ed|programmed|supported|valid|filled|entered|configured|used|found|detected|asset|serial|data|value|information|name)\b/.test(
      words,
    ) ||
    /^default( |$)|^(empty|blank|dummy|sample|example) |default (string|text|value)/.test(words)
  )
}

/**
 * Patterns that no UUID generator produces: one repeated byte, groups of one repeated digit, bytes or digits that
 * count, and counters near zero. Zeros followed by a MAC address are not a placeholder: some vendors build real UUIDs
 * in that way.
 */
function isPattern(uuid: string): boolean {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex')
  return (
    hasEqualSteps(bytes) ||
    countsUp(bytes) ||
    uuid.startsWith('00000000-0000-0000-0000-00000000') ||
    /^(.)\1*-(.)\2*-(.)\3*-(.)\4*-(.)\5*$/.test(uuid) ||
    /^(0?12345678-?9?a?b?c?d?e?f?|01234567-89ab|12345678-1234-|00112233-4455|11223344-5566)/.test(uuid)
  )
}

function hasEqualSteps(bytes: Uint8Array): boolean {
  const stepAt = (index: number) => ((bytes[index] ?? 0) - (bytes[index - 1] ?? 0) + 256) % 256
  for (let index = 2; index < bytes.length; index++) if (stepAt(index) !== stepAt(1)) return false
  return true
}

/** Whether each byte is one more than the byte before it. Zeros do not count. */
function countsUp(bytes: Uint8Array): boolean {
  let last: number | undefined
  for (const byte of bytes) {
    if (byte === 0) continue
    if (last !== undefined && byte !== last + 1) return false
    last = byte
  }
  return true
}
