import { open } from 'node:fs/promises'
import { InputError } from '../errors.ts'
import { type Entry, mostTextBytes } from './layouts.ts'
import { listArchive, readArchived, type Source } from './seven-zip.ts'

/** An ISO or archive, open for reading. Whoever opened it closes it. */
export type Iso = {
  /** Its regular files. An ISO's El Torito boot images are below `[BOOT]/`. */
  list: () => Promise<Entry[]>
  /** The bytes of one of the files that `list` named. @throws InputError when there is no such file, or it is damaged */
  read: (path: string) => AsyncIterable<Uint8Array>
  /** Ends what is still being read. */
  close: () => Promise<void>
}

/** A full DVD of a distribution has 30,000 files. */
const mostFiles = 200_000

/**
 * Opens an ISO (ISO 9660, Joliet, Rock Ridge, UDF), zip or tar (plain, or compressed as a whole) of this machine. Nothing is
 * unpacked to disk: each file is read out by itself, so what an archive calls its files cannot reach outside.
 * @throws InputError when it is none, is damaged or has too many files; ConfigError when 7-Zip is not installed
 */
export async function openIso(path: string): Promise<Iso> {
  const { sources, sizeBytes } = await sourcesOf(path)
  const ending = new AbortController()
  const files = new Map<string, { entry: Entry; source: Source; archived: string }>()
  for (const [index, source] of sources.entries()) {
    for (const one of await listArchive(source, ending.signal)) {
      const entry = { path: one.path.replace(/^(\.\/)+/, ''), sizeBytes: one.sizeBytes }
      // Of the second view of a disc, ISO 9660 beside UDF, only the boot images are wanted.
      const wanted = index === 0 || entry.path.startsWith('[BOOT]/')
      // Nothing in an ISO is compressed, so a file larger than the whole is a lie.
      const possible = source.type !== 'iso' && source.type !== 'udf' ? true : one.sizeBytes <= sizeBytes
      if (wanted && possible && !one.folder && !one.link && isPlainPath(entry.path) && !files.has(entry.path))
        files.set(entry.path, { entry, source, archived: one.path })
      if (files.size > mostFiles)
        throw new InputError({ field: 'file', value: path, expected: `at most ${mostFiles} files in it` })
    }
  }
  return {
    list: async () => [...files.values()].map(({ entry }) => entry),
    read: async function* (wanted) {
      const file = files.get(wanted)
      if (file === undefined)
        throw new InputError({ field: 'path', value: wanted, expected: 'a file of the ISO or archive' })
      const { entry, source, archived } = file
      let bytes = 0
      for await (const chunk of readArchived(source, archived, ending.signal)) {
        bytes += chunk.length
        if (bytes > entry.sizeBytes) break
        yield chunk
      }
      if (bytes !== entry.sizeBytes) {
        const expected = `${entry.sizeBytes} bytes of it, as the ISO or archive lists it`
        throw new InputError({ field: entry.path, value: `${bytes} bytes`, expected })
      }
    },
    close: async () => ending.abort(),
  }
}

/** The small text files of an ISO, for findLayout: undefined when there is none of that name, or it is no small one. */
export function isoTexts(iso: Iso): (path: string) => Promise<string | undefined> {
  return async (path) => {
    const entry = (await iso.list()).find((one) => one.path === path)
    if (entry === undefined || entry.sizeBytes > mostTextBytes) return undefined
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
 * The descriptors of a disc begin at sector 16 (ECMA-119, 6.2; ECMA-167, 2/8): `CD001` is ISO 9660, `NSR02` and `NSR03` UDF.
 * Windows discs have UDF with everything and an ISO 9660 with one text file; so UDF comes first.
 */
async function sourcesOf(path: string): Promise<{ sources: Source[]; sizeBytes: number }> {
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
    if (views.length > 0) return { sources: views.map((type) => ({ path, type })), sizeBytes }
    if (head.toString('latin1', 257, 262) === 'ustar') return { sources: [{ path, type: 'tar' }], sizeBytes }
    const type = beginnings.find(([, bytes]) => head.subarray(0, bytes.length).equals(bytes))?.[0]
    if (type === undefined) throw new InputError({ field: 'file', value: path, expected: 'an ISO, a zip or a tar' })
    return { sources: [type === 'zip' ? { path, type } : { path, type: 'tar', within: type }], sizeBytes }
  } finally {
    await file.close()
  }
}

const sectorBytes = 2048
const firstSector = 16
const sectors = 64
