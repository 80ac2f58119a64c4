// Files that an operator names by path or URL, opened and hashed.
import { createHash } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { download } from '../../bytes/fetch/download.ts'
import { fileNameOf } from '../../bytes/fetch/file-name.ts'
import { openPartialFile } from '../../bytes/fetch/partial-file.ts'
import { openConnector, type Proxies } from '../../bytes/fetch/proxies.ts'

/** The place of a file: a path, or an http or https URL, with the expected hash if given. */
export type Place = { path?: string; url?: URL; name: string; sha256?: string }

/** An open file with its hash. The caller closes it. */
export type Source = {
  sizeBytes: number
  sha256: string
  /** Reads from a position; returns 0 only at the end of the file. */
  read: (buffer: Buffer, position: number) => Promise<number>
  close: () => Promise<void>
}

export type SourceOptions = {
  stallMs: number
  retriesMs: number[]
  /** The environment, for the proxy settings. */
  env: Record<string, string | undefined>
  progress: (doing: string, bytes: number, total: number | undefined) => void
}

const chunkBytes = 2 ** 18

/** Parses `PATH` or `URL`, either with `#sha256=HEX` appended. @throws InvalidArgumentError */
export function parsePlace(text: string): Place {
  const [, where = '', hash] = /^(.*?)(?:#sha256=([^#]*))?$/s.exec(text) ?? []
  const sha256 = hash?.toLowerCase()
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256))
    throw new InvalidArgumentError('Expected 64 hexadecimal digits after #sha256=.')
  if (where === '') throw new InvalidArgumentError('Expected a path, or an http or https URL.')
  const expected = sha256 === undefined ? {} : { sha256 }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(where)) return { path: where, name: fileNameOf(basename(where)), ...expected }
  const url = URL.canParse(where) ? new URL(where) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('Expected a path, or an http or https URL.')
  return { url, name: fileNameOf(basename(url.pathname)), ...expected }
}

/** The place of a file on this computer, whatever characters its name has. */
export function placeAt(path: string): Place {
  return { path, name: fileNameOf(basename(path)) }
}

/**
 * Opens a local file, or downloads a URL to a temporary file, and hashes it in chunks.
 * @throws Error for the operator: the file is unreadable or empty, or has another hash than expected
 */
export async function openSource(place: Place, options: SourceOptions): Promise<Source> {
  const source =
    place.url === undefined
      ? await openLocal(place.path ?? '', options)
      : await fetchRemote(place.url, place.sha256, options)
  const fault =
    source.sizeBytes === 0
      ? 'expected a file with content, got 0 bytes'
      : place.sha256 !== undefined && place.sha256 !== source.sha256
        ? `expected sha256 ${place.sha256}, got ${source.sha256}`
        : undefined
  if (fault === undefined) return source
  await source.close()
  throw new Error(`${place.name}: ${fault}`)
}

/** Reads an open file from a position on, and reports the progress. */
export async function* readSource(
  { read, sizeBytes }: Pick<Source, 'read' | 'sizeBytes'>,
  from: number,
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for (let done = from; done < sizeBytes; ) {
    const buffer = Buffer.allocUnsafe(chunkBytes)
    const chunk = buffer.subarray(0, Math.min(await read(buffer, done), sizeBytes - done))
    if (chunk.length === 0) throw new Error('the file became shorter while it was read')
    yield chunk
    done += chunk.length
    progress(done)
  }
}

async function openLocal(path: string, { progress }: SourceOptions): Promise<Source> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `${path}: ${error.code === 'ENOENT' ? 'no such file' : error.code === 'EACCES' ? 'permission denied' : error.message}`,
    )
  })
  try {
    const about = await handle.stat()
    if (!about.isFile()) throw new Error(`${path}: expected a file`)
    const source = {
      sizeBytes: about.size,
      read: async (buffer: Buffer, position: number) =>
        (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
      close: () => handle.close(),
    }
    const hash = createHash('sha256')
    const counted = (bytes: number) => progress('hashing', bytes, about.size)
    for await (const chunk of readSource(source, 0, counted)) hash.update(chunk)
    return { ...source, sha256: hash.digest('hex') }
  } catch (error) {
    await handle.close()
    throw error
  }
}

// The temporary file is unlinked at once and exists only while it is open, so that nothing stays behind.
async function fetchRemote(
  url: URL,
  sha256: string | undefined,
  { stallMs, retriesMs, env, progress }: SourceOptions,
): Promise<Source> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-download-'))
  const disk = { folder: tmpdir(), name: tmpdir() }
  const partial = await openPartialFile(join(folder, 'download'), disk, undefined).finally(() =>
    rm(folder, { recursive: true }),
  )
  const connector = openConnector(proxiesOf(env))
  try {
    const got = await download(url, partial, {
      connector,
      stallMs,
      retriesMs,
      maxBytes: Number.MAX_SAFE_INTEGER,
      checksums: sha256 === undefined ? {} : { sha256 },
      progress: (bytes, total) => progress('downloading', bytes, total),
    })
    return { ...got, read: partial.read, close: partial.close }
  } catch (error) {
    await partial.close()
    throw error
  } finally {
    connector.close()
  }
}

function proxiesOf(env: Record<string, string | undefined>): Proxies {
  const given = (name: string) => (env[name.toLowerCase()] ?? env[name] ?? '').trim()
  return { httpProxy: given('HTTP_PROXY'), httpsProxy: given('HTTPS_PROXY'), noProxy: given('NO_PROXY') }
}
