// Parses lists of checksums, in the formats that distributions publish.
import type { Checksums, HashName } from '../../bytes/fetch/partial-file.ts'
import { InputError } from '../../lib/errors.ts'

/** An entry of a list of checksums. `path` is empty if the list has a hash only. */
type Listed = { hash: HashName; value: string; path: string }

const maxLines = 200_000
const maxLineLength = 4096

/**
 * Parses a list of checksums, clear-signed or not. Its lines are those of GNU's sha256sum (`HASH  name`, `HASH *name`, escaped
 * names), of BSD (`SHA256 (name) = HASH`), of a Debian Release file (` HASH SIZE path`), or a hash alone. Skips hashes of other
 * lengths, and lines under a comment that names another hash (`# BLAKE2B HASH` in the DIGESTS of Gentoo and Flatcar).
 */
function parseChecksums(text: string): Listed[] {
  const listed: Listed[] = []
  let section: HashName | 'other' | undefined
  for (const line of text.split(/\r?\n/, maxLines)) {
    if (line.startsWith('-----BEGIN PGP SIGNATURE-----')) break
    if (line.length > maxLineLength) continue
    // A clear-signed text has "- " before lines that begin with a dash (RFC 9580, 7.1).
    const plain = line.replace(/^- /, '')
    section = sectionOf(plain) ?? section
    const entry = parseBsd(plain) ?? parseGnu(plain)
    if (entry !== undefined && (section === undefined || section === entry.hash)) listed.push(entry)
  }
  return listed
}

/**
 * Finds the checksums of a file in a list.
 * @param name the path of the file relative to the list's folder, or its name
 * @throws InputError if the list has no checksum for the file, or several different ones
 */
export function findChecksums(text: string, name: string, list: string): Checksums {
  const listed = parseChecksums(text)
  const expectedPath = normal(name)
  const lastPart = expectedPath.slice(expectedPath.lastIndexOf('/') + 1)
  const hashesOnly = listed.every(({ path }) => path === '') ? listed : []
  const candidates = [
    listed.filter(({ path }) => path === expectedPath),
    listed.filter(({ path }) => path.endsWith(`/${expectedPath}`)),
    listed.filter(({ path }) => path.slice(path.lastIndexOf('/') + 1) === lastPart),
    hashesOnly,
  ]
  const found = candidates.find((entries) => entries.length > 0) ?? []
  if (found.length === 0)
    throw new InputError({ field: list, value: name, expected: 'a list with the sha256 or sha512 of this file' })
  const checksums: Checksums = {}
  for (const { hash, value } of found) {
    checksums[hash] ??= value
    if (checksums[hash] !== value)
      throw new InputError({
        field: list,
        value: name,
        expected: `one ${hash} for this file, not several different ones`,
      })
  }
  return checksums
}

/** Finds a checksum by the first group of a pattern. @throws InputError if the pattern finds no checksum */
export function matchChecksum(text: string, pattern: string, list: string): Checksums {
  const value = new RegExp(pattern, 'm').exec(text)?.[1]?.toLowerCase() ?? ''
  const hash = hashOfLength(value)
  if (hash === undefined)
    throw new InputError({ field: list, value, expected: `a sha256 or sha512 where ${pattern} matches` })
  return { [hash]: value }
}

/** The path of a file relative to the folder of its list; its last part alone, if the file is not below that folder. */
export function nameInList(fileUrl: string, listUrl: string): string {
  const file = new URL(fileUrl)
  const list = new URL(listUrl)
  const folder = list.pathname.slice(0, list.pathname.lastIndexOf('/') + 1)
  const inside = file.origin === list.origin && file.pathname.startsWith(folder)
  const path = inside ? file.pathname.slice(folder.length) : file.pathname.slice(file.pathname.lastIndexOf('/') + 1)
  return decodePath(path)
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

// Comments of DIGESTS files ("# SHA512 HASH") and fields of Release files ("SHA256:").
function sectionOf(line: string): HashName | 'other' | undefined {
  const name = (/^#\s*([A-Z0-9_-]+)\s+HASH\b/i.exec(line) ?? /^([A-Za-z0-9-]+):\s*$/.exec(line))?.[1]?.toLowerCase()
  if (name === undefined) return undefined
  return name === 'sha256' || name === 'sha512' ? name : 'other'
}

function parseBsd(line: string): Listed | undefined {
  const [, name = '', path = '', value = ''] = /^(SHA-?\d+)\s*\((.+)\)\s*=\s*([0-9a-f]+)\s*$/i.exec(line) ?? []
  const hash = hashOfLength(value)
  // A truncated SHA-512 (SHA512-256) has the length of a SHA-256.
  if (hash === undefined || name.toLowerCase().replace('-', '') !== hash) return undefined
  return { hash, value: value.toLowerCase(), path: normal(path) }
}

function parseGnu(line: string): Listed | undefined {
  const [, escaped, value = '', field = ''] = /^(\\?)([0-9a-f]{64}|[0-9a-f]{128})(?:\s(.*))?$/is.exec(line.trim()) ?? []
  const hash = hashOfLength(value)
  if (hash === undefined) return undefined
  const name = field
    .trim()
    .replace(/^\d+\s+(?=\S)/, '')
    .replace(/^\*/, '')
  return { hash, value: value.toLowerCase(), path: normal(escaped ? name.replaceAll('\\\\', '\\') : name) }
}

function hashOfLength(value: string): HashName | undefined {
  if (!/^[0-9a-f]+$/i.test(value)) return undefined
  return value.length === 64 ? 'sha256' : value.length === 128 ? 'sha512' : undefined
}

function normal(path: string): string {
  return path.replace(/^(\.?\/)+/, '')
}
