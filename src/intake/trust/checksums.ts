// Lists of checksums, in the formats that distributions publish.
import type { Checksums, HashName } from '../../bytes/fetch/partial-file.ts'
import { InputError } from '../../lib/errors.ts'

/** One line of a list of checksums. `path` is empty where a file holds nothing but the hash. */
type Listed = { hash: HashName; value: string; path: string }

const maxLines = 200_000
const maxLineLength = 4096

/**
 * Reads a list of checksums: lines of GNU's sha256sum (`HASH  name`, `HASH *name`, escaped names), of BSD (`SHA256 (name) =
 * HASH`), of a Debian Release file (` HASH SIZE path`), a hash alone; clear-signed or not. Lines under a comment that names
 * another hash (`# BLAKE2B HASH`, in the DIGESTS of Gentoo and Flatcar) and hashes of other lengths are left out.
 */
function parseChecksums(text: string): Listed[] {
  const listed: Listed[] = []
  let section: HashName | 'other' | undefined
  for (const line of text.split(/\r?\n/, maxLines)) {
    if (line.startsWith('-----BEGIN PGP SIGNATURE-----')) break
    if (line.length > maxLineLength) continue
    // A clear-signed text has "- " before lines that begin with a dash (RFC 9580, 7.1).
    const said = line.replace(/^- /, '')
    section = sectionOf(said) ?? section
    const one = parseBsd(said) ?? parseGnu(said)
    if (one !== undefined && (section === undefined || section === one.hash)) listed.push(one)
  }
  return listed
}

/**
 * The checksums of one file in a list.
 * @param name its path from the list's folder, or its name
 * @throws InputError when the list has none for it, or several that differ
 */
export function findChecksums(text: string, name: string, list: string): Checksums {
  const listed = parseChecksums(text)
  const wanted = normal(name)
  const last = wanted.slice(wanted.lastIndexOf('/') + 1)
  const alone = listed.every((one) => one.path === '') ? listed : []
  const ways = [
    listed.filter((one) => one.path === wanted),
    listed.filter((one) => one.path.endsWith(`/${wanted}`)),
    listed.filter((one) => one.path.slice(one.path.lastIndexOf('/') + 1) === last),
    alone,
  ]
  const found = ways.find((one) => one.length > 0) ?? []
  if (found.length === 0)
    throw new InputError({ field: list, value: name, expected: 'a list of sha256 or sha512 that has this file' })
  const checksums: Checksums = {}
  for (const { hash, value } of found) {
    checksums[hash] ??= value
    if (checksums[hash] !== value)
      throw new InputError({ field: list, value: name, expected: `one ${hash} for this file, not several that differ` })
  }
  return checksums
}

/** The checksum that the first group of a pattern finds in a text. @throws InputError when there is none */
export function matchChecksum(text: string, pattern: string, list: string): Checksums {
  const value = new RegExp(pattern, 'm').exec(text)?.[1]?.toLowerCase() ?? ''
  const hash = hashOfLength(value)
  if (hash === undefined)
    throw new InputError({ field: list, value, expected: `a sha256 or sha512 where ${pattern} matches` })
  return { [hash]: value }
}

/** The path of a file as a list in another folder of the same server says it, or its last part when it is elsewhere. */
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
  // A truncated SHA-512 (SHA512-256) has the length of another hash.
  if (hash === undefined || name.toLowerCase().replace('-', '') !== hash) return undefined
  return { hash, value: value.toLowerCase(), path: normal(path) }
}

function parseGnu(line: string): Listed | undefined {
  const [, escaped, value = '', rest = ''] = /^(\\?)([0-9a-f]{64}|[0-9a-f]{128})(?:\s(.*))?$/is.exec(line.trim()) ?? []
  const hash = hashOfLength(value)
  if (hash === undefined) return undefined
  const name = rest
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
