// UUIDs: new ids, and the UUIDs that machines report.
import { v7 } from 'uuid'
import { isPlaceholderUuid } from './placeholders.ts'

/** A new id: a UUID version 7, so ids sort roughly by creation time. */
export function newId(): string {
  return v7()
}

/** A UUID in lower case with hyphens; undefined for a vendor's placeholder and for any other text. */
export function parseUuid(text: string): string | undefined {
  const uuid = formatUuid(text)
  return uuid === undefined || isPlaceholderUuid(uuid, swapUuid(uuid)) ? undefined : uuid
}

/** A UUID in lower case with hyphens, placeholders included; undefined for any other text. */
export function formatUuid(text: string): string | undefined {
  if (formatted.test(text)) return text
  const digits = text
    .trim()
    .toLowerCase()
    .replaceAll('-', '')
    .replace(/^\{(.*)\}$/, '$1')
  return /^[0-9a-f]{32}$/.test(digits)
    ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    : undefined
}

const formatted = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether both are the same UUID, in either byte order. */
export function isSameUuid(uuid: string | undefined, other: string | undefined): boolean {
  return uuid !== undefined && (uuid === other || swapUuid(uuid) === other)
}

/**
 * The same UUID in the other byte order of SMBIOS: since version 2.6, the first three fields are little-endian (SMBIOS
 * 7.2.1).
 */
export function swapUuid(uuid: string): string {
  const at = (index: number) => uuid.slice(index, index + 2)
  return `${at(6)}${at(4)}${at(2)}${at(0)}-${at(11)}${at(9)}-${at(16)}${at(14)}${uuid.slice(18)}`
}
