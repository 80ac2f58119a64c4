// Opens an ISO or archive with 7-Zip: lists its files and reads their bytes.
import { open } from 'node:fs/promises'
import { InputError } from '../../lib/errors.ts'
import { followLinks, type Node } from './archive-links.ts'
import { type Entry, maxTextBytes } from './layouts.ts'
import { rockRidgeLinks } from './rock-ridge.ts'
import { type Listed, listArchive, readArchived, type Source } from './seven-zip.ts'

/** An ISO or archive, open for reading. The caller that opened it closes it. */
export type Iso = {
  /** Lists the files, also under the paths of links to them. An ISO's El Torito boot images are below `[BOOT]/`. */
  list: () => Promise<Entry[]>
  /** Links to folders that are not followed, each with the reason. */
  leftOut: string[]
  /** The bytes of a file in `list`. @throws InputError if the file does not exist or is damaged */
  read: (path: string) => AsyncIterable<Uint8Array>
  /** Aborts running reads. */
  close: () => Promise<void>
}

/** A full DVD of a distribution has 30,000 files. */
const maxFiles = 200_000

/**
 * Opens an ISO (ISO 9660, Joliet, Rock Ridge, UDF), zip or tar (plain, or compressed as a whole) of this machine.
 * Nothing is unpacked to disk: each file is read out separately. So the names and links in an archive cannot reach outside.
 * @throws InputError if it is not an ISO or archive, is damaged or has too many files; ConfigError if 7-Zip is not installed
 */
export async function openIso(path: string): Promise<Iso> {
  const { sources, sizeBytes, links } = await sourcesOf(path)
  const ending = new AbortController()
  const tooMany = () => new InputError({ field: 'file', value: path, expected: `at most ${maxFiles} files in it` })
  const contents = new Map<string, Content>()
  for (const [index, source] of sources.entries()) {
    const listed = await listArchive(source, ending.signal)
    if (listed.length > maxFiles) throw tooMany()
    const targets = source.type === 'zip' ? await zipTargets(source, listed, ending.signal) : links
    // Nothing in an ISO is compressed, so a file cannot be larger than the ISO.
    const possible = source.type === 'iso' || source.type === 'udf' ? sizeBytes : Number.POSITIVE_INFINITY
    for (const [at, content] of contentsOf(source, listed, targets)) {
      // From the second view of a disc (ISO 9660 beside UDF) only the boot images are used.
      const isUsed = index === 0 || at.startsWith('[BOOT]/')
      const taken = content.node.kind !== 'file' || content.node.sizeBytes <= possible
      if (isUsed && taken && isPlainPath(at) && !contents.has(at)) contents.set(at, content)
    }
  }
  // Some discs lack their links in the Joliet names.
  const nodes = new Map<string, Node>([...contents].map(([at, { node }]) => [at, node]))
  for (const [at, target] of links) if (!nodes.has(at) && isPlainPath(at)) nodes.set(at, { kind: 'link', target })
  const tree = (() => {
    try {
      return followLinks(nodes, maxFiles)
    } catch (error) {
      throw error instanceof RangeError ? tooMany() : error
    }
  })()
  const entries = new Map(tree.entries.map((entry) => [entry.path, entry]))
  return {
    list: async () => tree.entries,
    leftOut: tree.leftOut,
    read: async function* (path) {
      const entry = entries.get(path)
      const content = entry && contents.get(entry.real ?? path)
      if (entry?.fault !== undefined)
        throw new InputError({ field: path, value: entry.fault, expected: 'a file of the ISO or archive' })
      if (entry === undefined || content === undefined)
        throw new InputError({ field: 'path', value: path, expected: 'a file of the ISO or archive' })
      yield* bytesOf(entry, content, ending.signal)
    },
    close: async () => ending.abort(),
  }
}

/** The node at a path, and how to read it: skip `skipBytes` of the bytes of all entries with this path. */
type Content = { node: Node; source: Source; archived: string; skipBytes: number; totalBytes: number }

/** The contents by path. If a path occurs several times, the last one counts, as when a tar is unpacked. */
function contentsOf(source: Source, listed: Listed[], targets: ReadonlyMap<string, string>): Map<string, Content> {
  const contents = new Map<string, Content>()
  const before = new Map<string, number>()
  for (const entry of listed) {
    const path = plain(entry.path)
    const skipBytes = before.get(entry.path) ?? 0
    before.set(entry.path, skipBytes + entry.sizeBytes)
    if (entry.kind !== 'folder')
      contents.set(path, {
        node: nodeOf(entry, targets.get(path)),
        source,
        archived: entry.path,
        skipBytes,
        totalBytes: 0,
      })
  }
  for (const content of contents.values()) content.totalBytes = before.get(content.archived) ?? 0
  return contents
}

function nodeOf({ path, kind, sizeBytes, target, sameAs }: Listed, otherTarget: string | undefined): Node {
  if (kind === 'file' && sameAs !== undefined) {
    // A hard link is named from the top of the archive.
    const up = '../'.repeat(plain(path).split('/').length - 1)
    return sameAs.startsWith('/') ? { kind: 'link', target: sameAs } : { kind: 'link', target: `${up}${plain(sameAs)}` }
  }
  const leads = target ?? otherTarget
  if (leads !== undefined && (kind === 'link' || sizeBytes === 0)) return { kind: 'link', target: leads }
  if (kind === 'link') return { kind: 'other', what: 'a link without a target' }
  return kind === 'file' ? { kind: 'file', sizeBytes } : { kind: 'other', what: `a ${kind}` }
}

/** Limits for the links of a zip: their number, and the length of a target. */
const maxZipLinks = 1000
const maxTargetBytes = 1024

/** The targets of a zip's links, which are their bytes. */
async function zipTargets(source: Source, listed: Listed[], signal: AbortSignal): Promise<Map<string, string>> {
  const targets = new Map<string, string>()
  const links = listed.filter(isReadableLink).slice(0, maxZipLinks)
  if (links.length === 0) return targets
  const totalBytes = links.reduce((sum, link) => sum + link.sizeBytes, 0)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of readArchived(source, [...new Set(links.map(({ path }) => path))], signal)) {
    chunks.push(chunk)
    length += chunk.length
    if (length > totalBytes) break
  }
  // If a file has the same path as a link, there are more bytes, and their owner is unknown.
  if (length !== totalBytes) return targets
  const bytes = Buffer.concat(chunks)
  let at = 0
  for (const { path, sizeBytes } of links) {
    targets.set(plain(path), bytes.toString('utf8', at, at + sizeBytes))
    at += sizeBytes
  }
  return targets
}

function isReadableLink({ kind, path, sizeBytes }: Listed): boolean {
  return kind === 'link' && sizeBytes <= maxTargetBytes && isPlainPath(plain(path))
}

/** @throws InputError if the length differs from the list of the archive */
async function* bytesOf(
  { path, sizeBytes }: Entry,
  { source, archived, skipBytes, totalBytes }: Content,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  let at = 0
  for await (const chunk of readArchived(source, [archived], signal)) {
    const from = Math.min(chunk.length, Math.max(0, skipBytes - at))
    const to = Math.min(chunk.length, Math.max(0, skipBytes + sizeBytes - at))
    at += chunk.length
    if (at > totalBytes) break
    if (from < to) yield chunk.subarray(from, to)
  }
  if (at === totalBytes) return
  const expected = `${totalBytes} bytes of it, as the ISO or archive lists it`
  throw new InputError({ field: path, value: `${at} bytes`, expected })
}

function plain(path: string): string {
  return path.replace(/^(\.\/)+/, '')
}

/** Reads small text files of an ISO for findLayout; undefined if the file is missing or too large. */
export function isoTexts(iso: Iso): (path: string) => Promise<string | undefined> {
  return async (path) => {
    const entry = (await iso.list()).find((file) => file.path === path)
    if (entry === undefined || entry.fault !== undefined || entry.sizeBytes > maxTextBytes) return undefined
    const chunks: Uint8Array[] = []
    for await (const chunk of iso.read(path)) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
}

function isPlainPath(path: string): boolean {
  const parts = path.split('/')
  return (
    path.length <= 1024 &&
    !/[\x00-\x1f\\]/.test(path) &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..')
  )
}

/** The first bytes of files, by 7-Zip's name of their type. */
const beginnings: [string, Buffer][] = [
  ['zip', Buffer.from('PK\x03\x04')],
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['xz', Buffer.from('\xfd7zXZ\0', 'latin1')],
  ['bzip2', Buffer.from('BZh')],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
]

/**
 * The type of a file by its first bytes, so that 7-Zip never tries the hundred other types that it supports.
 * The descriptors of a disc begin at sector 16 (ECMA-119, 6.2; ECMA-167, 2/8): `CD001` is ISO 9660, `NSR02` and
 * `NSR03` UDF.
 * Windows discs have UDF with everything and an ISO 9660 with one text file; so UDF comes first.
 */
async function sourcesOf(
  path: string,
): Promise<{ sources: Source[]; sizeBytes: number; links: ReadonlyMap<string, string> }> {
  const file = await open(path)
  try {
    const sizeBytes = (await file.stat()).size
    const { buffer, bytesRead } = await file.read(Buffer.alloc(sectors * sectorBytes), 0, sectors * sectorBytes, 0)
    const head = buffer.subarray(0, bytesRead)
    const marks: string[] = []
    for (let at = firstSector * sectorBytes; at < head.length; at += sectorBytes)
      marks.push(head.toString('latin1', at + 1, at + 6))
    const views = [
      ...(marks.some((mark) => /^NSR0[23]$/.test(mark)) ? ['udf'] : []),
      ...(marks.includes('CD001') ? ['iso'] : []),
    ]
    if (views.length > 0) {
      const links = views.includes('iso') ? await rockRidgeLinks(file) : noLinks
      return { sources: views.map((type) => ({ path, type })), sizeBytes, links }
    }
    if (head.toString('latin1', 257, 262) === 'ustar')
      return { sources: [{ path, type: 'tar' }], sizeBytes, links: noLinks }
    const type = beginnings.find(([, bytes]) => head.subarray(0, bytes.length).equals(bytes))?.[0]
    if (type === undefined) throw new InputError({ field: 'file', value: path, expected: 'an ISO, a zip or a tar' })
    const source = type === 'zip' ? { path, type } : { path, type: 'tar', within: type }
    return { sources: [source], sizeBytes, links: noLinks }
  } finally {
    await file.close()
  }
}

const noLinks: ReadonlyMap<string, string> = new Map()

const sectorBytes = 2048
const firstSector = 16
const sectors = 64
