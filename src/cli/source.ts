import { createHash } from 'node:crypto'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { download } from './download.ts'

/** Where the operator says that a file is: a path, or an http or https URL; and its hash when that is known. */
export type Place = { path?: string; url?: URL; name: string; sha256?: string }

/** A file at hand: open for reading, and known by its hash. Whoever opened it closes the handle. */
export type Source = { handle: FileHandle; sizeBytes: number; sha256: string }

export type SourceOptions = {
  stallMs: number
  progress: (doing: string, bytes: number, total: number | undefined) => void
}

const chunkBytes = 2 ** 18

/** Reads `PATH`, `URL`, or either with `#sha256=HEX` after it. @throws InvalidArgumentError */
export function parsePlace(text: string): Place {
  const [, where = '', hash] = /^(.*?)(?:#sha256=([^#]*))?$/s.exec(text) ?? []
  const sha256 = hash?.toLowerCase()
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256))
    throw new InvalidArgumentError('After #sha256= come 64 hexadecimal digits.')
  if (where === '') throw new InvalidArgumentError('It is a path or an http or https URL.')
  const known = sha256 === undefined ? {} : { sha256 }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(where)) return { path: where, name: fileName(basename(where)), ...known }
  const url = URL.canParse(where) ? new URL(where) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('It is a path or an http or https URL.')
  return { url, name: fileName(basename(url.pathname)), ...known }
}

/**
 * Opens a file where it is, or downloads it first, and hashes it: never the whole of it in memory.
 * @throws Error for the operator: not readable, empty, another hash than the one given
 */
export async function openSource(place: Place, options: SourceOptions): Promise<Source> {
  const source =
    place.url === undefined
      ? await openLocal(place.path ?? '', options)
      : await fetchRemote(place.url, place.sha256 !== undefined, options)
  const fault =
    source.sizeBytes === 0
      ? 'it is empty'
      : place.sha256 !== undefined && place.sha256 !== source.sha256
        ? `its sha256 is ${source.sha256}, not ${place.sha256} as given`
        : undefined
  if (fault === undefined) return source
  await source.handle.close()
  throw new Error(`${place.name}: ${fault}`)
}

/** The bytes of a file at hand, from its start, counted as they go. */
export async function* readSource(
  { handle, sizeBytes }: Source,
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for (let done = 0; done < sizeBytes; ) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, done)
    const chunk = buffer.subarray(0, Math.min(bytesRead, sizeBytes - done))
    if (chunk.length === 0) throw new Error('the file became shorter while it was read')
    yield chunk
    done += chunk.length
    progress(done)
  }
}

// The name under which it is served stands in scripts and URLs, where a space or a % means something.
function fileName(text: string): string {
  const name = text.replaceAll(/%[0-9a-f]{2}|[^A-Za-z0-9._-]/gi, '_').replace(/^[^A-Za-z0-9]+/, '')
  return name === '' ? 'file' : name.slice(-100)
}

async function openLocal(path: string, { progress }: SourceOptions): Promise<Source> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `${path}: ${error.code === 'ENOENT' ? 'there is no such file' : error.code === 'EACCES' ? 'it may not be read' : error.message}`,
    )
  })
  try {
    const about = await handle.stat()
    if (!about.isFile()) throw new Error(`${path}: it is not a file`)
    const source = { handle, sizeBytes: about.size, sha256: '' }
    if (about.size === 0) return source
    const hash = createHash('sha256')
    for await (const chunk of readSource(source, (bytes) => progress('hashing', bytes, about.size))) hash.update(chunk)
    return { ...source, sha256: hash.digest('hex') }
  } catch (error) {
    await handle.close()
    throw error
  }
}

// The temporary file loses its name at once and lives as long as its handle: nothing stays behind, however this ends.
async function fetchRemote(url: URL, hashKnown: boolean, { stallMs, progress }: SourceOptions): Promise<Source> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-download-'))
  const handle = await open(join(folder, 'download'), 'wx+', 0o600).finally(() => rm(folder, { recursive: true }))
  try {
    const got = await download(url, handle, {
      stallMs,
      hashKnown,
      progress: (bytes, total) => progress('downloading', bytes, total),
    })
    return { handle, ...got }
  } catch (error) {
    await handle.close()
    throw error
  }
}
