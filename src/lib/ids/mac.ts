// MAC addresses: their stored form, and their spellings.

/** A MAC address in its stored form: six lower-case hexadecimal pairs with colons, `52:54:00:12:34:56`. */
export type Mac = string

/**
 * Parses a MAC address in any common spelling: `52:54:..`, `52-54-..`, `5254.0012.3456` (Cisco), `5254-0012-3456` (H3C,
 * Huawei), `525400-123456` (HP), `525400123456`, and PXELINUX's `01-52-54-..`, which begins with the ARP hardware type.
 * Undefined for any other text, and for addresses that no single machine can have. Those are all zeros, and every
 * address with the group bit (IEEE 802, the low bit of the first byte), such as broadcast.
 */
export function parseMac(text: string): Mac | undefined {
  const spelled = text.trim()
  if (!spellings.some((spelling) => spelling.test(spelled))) return undefined
  const digits = spelled.replace(/[^0-9a-f]/gi, '').toLowerCase()
  const six = digits.length === 14 ? digits.slice(2) : digits
  if (six === '000000000000' || Number.parseInt(six.slice(0, 2), 16) & 1) return undefined
  return (six.match(/../g) as string[]).join(':')
}

const spellings = [
  /^(01[:-])?([0-9a-f]{2}:){5}[0-9a-f]{2}$/i,
  /^(01[:-])?([0-9a-f]{2}-){5}[0-9a-f]{2}$/i,
  /^([0-9a-f]{4}[.-]){2}[0-9a-f]{4}$/i,
  /^[0-9a-f]{6}-[0-9a-f]{6}$/i,
  /^[0-9a-f]{12}$/i,
]

/** The spelling for URLs and file names: `52-54-00-12-34-56`. */
export function formatMacHyphen(mac: Mac): string {
  return mac.replaceAll(':', '-')
}
