// An ISO or archive, opened with 7-Zip: its list of files and their bytes.
import { open } from 'node:fs/promises'
import { InputError } from '../../lib/errors.ts'
import { followLinks, type Node } from './archive-links.ts'
import { type Entry, maxTextBytes } from './layouts.ts'
import { rockRidgeLinks } from './rock-ridge.ts'
import { type Listed, listArchive, readArchived, type Source } from './seven-zip.ts'

/** An ISO or archive, open for reading. Whoever opened it closes it. */
export type Iso = {
  /** Its files, also by the links to them. An ISO's El Torito boot images are below `[BOOT]/`. */
  list: () => Promise<Entry[]>
  /** Links to folders that are not followed, each with the reason. */
  leftOut: string[]
  /** The bytes of one of the files that `list` named. @throws InputError when there is no such file, or it is damaged */
  read: (path: string) => AsyncIterable<Uint8Array>
  /** Ends what is still being read. */
  close: () => Promise<void>
}

/** A full DVD of a distribution has 30,000 files. */
const maxFiles = 200_000

/**
 * Opens an ISO (ISO 9660, Joliet, Rock Ridge, UDF), zip or tar (plain, or compressed as a whole) of this machine.
 * Nothing is unpacked to disk: each file is read out by itself, so what an archive calls its files, and where its links
 * lead, cannot reach outside.
 * @throws InputError when it is none, is damaged or has too many files; ConfigError when 7-Zip is not installed
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
    // Nothing in an ISO is compressed, so a file larger than the whole is a lie.
    const possible = source.type === 'iso' || source.type === 'udf' ? sizeBytes : Number.POSITIVE_INFINITY
    for (const [at, content] of contentsOf(source, listed, targets)) {
      // Of the second view of a disc, ISO 9660 beside UDF, only the boot images are wanted.
      const wanted = index === 0 || at.startsWith('[BOOT]/')
      const taken = content.node.kind !== 'file' || content.node.sizeBytes <= possible
      if (wanted && taken && isPlainPath(at) && !contents.has(at)) contents.set(at, content)
    }
  }
  // Some makers of discs leave links out of the Joliet names.
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
    read: async function* (wanted) {
      const entry = entries.get(wanted)
      const content = entry && contents.get(entry.real ?? wanted)
      if (entry?.fault !== undefined)
        throw new InputError({ field: wanted, value: entry.fault, expected: 'a file of the ISO or archive' })
      if (entry === undefined || content === undefined)
        throw new InputError({ field: 'path', value: wanted, expected: 'a file of the ISO or archive' })
      yield* bytesOf(entry, content, ending.signal)
    },
    close: async () => ending.abort(),
  }
}

/** What is at a path, and how it is read out: of the bytes of all that have this path, those after `skipBytes`. */
type Content = { node: Node; source: Source; archived: string; skipBytes: number; totalBytes: number }

/** By path. Of a path that is there several times the last counts, as when a tar is unpacked. */
function contentsOf(source: Source, listed: Listed[], targets: ReadonlyMap<string, string>): Map<string, Content> {
  const contents = new Map<string, Content>()
  const before = new Map<string, number>()
  for (const one of listed) {
    const path = plain(one.path)
    const skipBytes = before.get(one.path) ?? 0
    before.set(one.path, skipBytes + one.sizeBytes)
    if (one.kind !== 'folder')
      contents.set(path, { node: nodeOf(one, targets.get(path)), source, archived: one.path, skipBytes, totalBytes: 0 })
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

/** Links of a zip whose targets are read, and how long these are at most. */
const maxZipLinks = 1000
const maxTargetBytes = 1024

/** The targets of a zip's links, which are their bytes. */
async function zipTargets(source: Source, listed: Listed[], signal: AbortSignal): Promise<Map<string, string>> {
  const targets = new Map<string, string>()
  const links = listed.filter(isReadableLink).slice(0, maxZipLinks)
  if (links.length === 0) return targets
  const totalBytes = links.reduce((sum, one) => sum + one.sizeBytes, 0)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of readArchived(source, [...new Set(links.map(({ path }) => path))], signal)) {
    chunks.push(chunk)
    length += chunk.length
    if (length > totalBytes) break
  }
  // A path that is also that of a file gives more bytes, and nothing tells whose they are.
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

/** @throws InputError when it is not as long as the archive lists it */
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

/** The small text files of an ISO, for findLayout: undefined when there is none of that name, or it is no small one. */
export function isoTexts(iso: Iso): (path: string) => Promise<string | undefined> {
  return async (path) => {
    const entry = (await iso.list()).find((one) => one.path === path)
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

/** Beginnings of files, by 7-Zip's word for their type. */
const beginnings: [string, Buffer][] = [
  ['zip', Buffer.from('PK\x03\x04')],
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['xz', Buffer.from('\xfd7zXZ\0', 'latin1')],
  ['bzip2', Buffer.from('BZh')],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
]

/**
 * How 7-Zip shall read a file, by its first bytes, so that it is never tried as one of the hundred other types it knows.
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
