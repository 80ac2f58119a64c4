// A download into a file: retried, resumed, and verified by its checksums.
import { setTimeout as wait } from 'node:timers/promises'
import { redactUrl } from '../../lib/base-url.ts'
import { type Got, get, InterruptedError, refusal } from './http-get.ts'
import type { Checksums, HashName, PartialFile } from './partial-file.ts'
import type { Connector } from './proxies.ts'

export type DownloadOptions = {
  connector: Connector
  /** Milliseconds without data after which an attempt fails. */
  stallMs: number
  /** Minimum speed over that time, in bytes per second; a slower attempt fails too. */
  minBytesPerSecond?: number | undefined
  /** Milliseconds to wait after each attempt without progress. After the last one the download fails. */
  retriesMs: number[]
  maxBytes: number
  /** The checksums that the bytes must have. */
  checksums: Checksums
  signal?: AbortSignal | undefined
  progress: (bytes: number, total: number | undefined) => void
  /** Called with the reason when an attempt failed and a retry follows. */
  interrupted?: (why: string) => void
}

/** The notes beside a partial download. A later attempt resumes from them. */
type About = {
  url: string
  etag?: string | undefined
  lastModified?: string | undefined
  totalBytes?: number | undefined
  /** The number of first bytes that were flushed to disk: a crash does not lose them. */
  safeBytes: number
}

/** Where an attempt begins, and the notes of the attempt before it. */
type Start = { offset: number; about: About | undefined }

// An attempt with this much new data is not counted as a failure: over a bad line, a large file needs many attempts.
const worthwhileBytes = 64 * 1024
const rememberEveryMs = 1000

/** The waits of a server between attempts: about two minutes in total, enough for a mirror to restart. */
export const patientRetriesMs = [1000, 2000, 4000, 8000, 15_000, 30_000, 30_000, 30_000]

/**
 * Downloads an http or https URL into a file. An interrupted download resumes, also after a restart (RFC 9110: Range with
 * If-Range). If the file on the server changed, the download restarts. After a failure the bytes stay, unless their hash is wrong.
 * @throws Error that names the URL, with its secrets redacted; DiskFullError; the reason of the signal
 */
export async function download(
  url: URL,
  to: PartialFile,
  options: DownloadOptions,
): Promise<{ sizeBytes: number; sha256: string }> {
  const wasHere = to.sizeBytes() > 0
  await fetchWhole(url, to, options)
  let fault = await wrongHash(to, options)
  if (fault !== undefined && wasHere) {
    // The bytes from an earlier run may belong to another file: download the whole file again.
    await to.truncate(0)
    await fetchWhole(url, to, options)
    fault = await wrongHash(to, options)
  }
  if (fault === undefined) return { sizeBytes: to.sizeBytes(), sha256: await to.digest('sha256', options.signal) }
  await to.truncate(0)
  throw new Error(`${redactUrl(url)}: ${fault}`)
}

/** Retries until the file is complete. */
async function fetchWhole(url: URL, to: PartialFile, options: DownloadOptions): Promise<void> {
  let largestBytes = to.sizeBytes()
  let failures = 0
  for (;;) {
    try {
      return await tryOnce(url, to, options)
    } catch (error) {
      const after = aboutOf(to, url)
      const position = `after ${to.sizeBytes()}${after?.totalBytes === undefined ? '' : ` of ${after.totalBytes}`} bytes`
      if (!(error instanceof InterruptedError)) throw error
      failures = to.sizeBytes() >= largestBytes + worthwhileBytes ? 0 : failures + 1
      largestBytes = Math.max(largestBytes, to.sizeBytes())
      const waitMs = options.retriesMs[Math.max(0, failures - 1)]
      if (waitMs === undefined || failures > options.retriesMs.length)
        throw new Error(`${error.message} ${position}`, { cause: error })
      options.interrupted?.(error.message)
      // Up to 20% more or less: clients that were disconnected together must not return together.
      const jittered = Math.round(waitMs * (0.8 + Math.random() * 0.4))
      await wait(Math.max(error.retryAfterMs ?? 0, jittered), undefined, { signal: options.signal }).catch(() =>
        options.signal?.throwIfAborted(),
      )
    }
  }
}

/** One request for the missing bytes. @throws InterruptedError if a retry may succeed */
async function tryOnce(url: URL, to: PartialFile, options: DownloadOptions): Promise<void> {
  const { connector, stallMs, minBytesPerSecond, signal } = options
  const hasChecksum = Object.values(options.checksums).some((checksum) => checksum !== undefined)
  const start = await startOf(url, to, hasChecksum)
  const got = await get(url, { connector, stallMs, minBytesPerSecond, signal, hasChecksum, headers: rangeOf(start) })
  try {
    if (got.status === 416 && start.offset > 0) {
      if (got.header('content-range') === `bytes */${start.offset}`) return
      await beginAnew(url, to)
    }
    const place = placeOf(got, start)
    if (place === 'elsewhere') return await beginAnew(url, to)
    if (place === undefined) throw refusal(url, got)
    if (place.offset !== to.sizeBytes()) await to.truncate(place.offset)
    await receive(url, got, to, place.totalBytes, options)
  } finally {
    got.drop()
  }
}

async function beginAnew(url: URL, to: PartialFile): Promise<never> {
  await to.truncate(0)
  throw new InterruptedError(`${redactUrl(url)} answered with a different part of the file than requested`)
}

/** Truncates the file to the bytes that can be kept: all of them if there is a checksum, else those known to be of the same file. */
async function startOf(url: URL, to: PartialFile, hasChecksum: boolean): Promise<Start> {
  const about = aboutOf(to, url)
  const usable = about?.etag !== undefined || about?.lastModified !== undefined
  const safe = hasChecksum ? to.sizeBytes() : usable ? Math.min(about.safeBytes, to.sizeBytes()) : 0
  if (safe < to.sizeBytes()) await to.truncate(safe)
  return { offset: to.sizeBytes(), about }
}

function rangeOf({ offset, about }: Start): Record<string, string> {
  if (offset === 0) return {}
  const validator = about?.etag ?? about?.lastModified
  return { range: `bytes=${offset}-`, ...(validator !== undefined && { 'if-range': validator }) }
}

/** The offset of an answer's bytes. `elsewhere`: they do not continue the file. Undefined: the answer is an error. */
function placeOf(
  got: Got,
  { offset, about }: Start,
): { offset: number; totalBytes: number | undefined } | 'elsewhere' | undefined {
  if (got.status === 200) return { offset: 0, totalBytes: wholeNumber(got.header('content-length')) }
  if (got.status !== 206) return undefined
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(got.header('content-range') ?? '') ?? []
  const totalBytes = wholeNumber(total)
  const sameTotal = about?.totalBytes === undefined || totalBytes === undefined || totalBytes === about.totalBytes
  return offset > 0 && Number(first) === offset && sameTotal
    ? { offset, totalBytes: totalBytes ?? about?.totalBytes }
    : 'elsewhere'
}

async function receive(
  url: URL,
  got: Got,
  to: PartialFile,
  totalBytes: number | undefined,
  { maxBytes, progress }: DownloadOptions,
): Promise<void> {
  const tooLarge = () => new Error(`${redactUrl(url)} has more than ${maxBytes} bytes, the maximum size of a file`)
  if (totalBytes !== undefined && totalBytes > maxBytes) throw tooLarge()
  await to.requireRoom((totalBytes ?? 0) - to.sizeBytes())
  const etag = got.header('etag')
  const about = {
    url: url.href,
    // A weak tag does not promise identical bytes (RFC 9110, 13.1.5).
    ...(etag !== undefined && !etag.startsWith('W/') && { etag }),
    ...(got.header('last-modified') !== undefined && { lastModified: got.header('last-modified') }),
    ...(totalBytes !== undefined && { totalBytes }),
  }
  const remember = () => to.remember({ ...about, safeBytes: to.sizeBytes() } satisfies About)
  await remember()
  let rememberedAt = Date.now()
  progress(to.sizeBytes(), totalBytes)
  try {
    for await (const chunk of got.body) {
      if (to.sizeBytes() + chunk.length > Math.min(maxBytes, totalBytes ?? maxBytes)) throw tooLarge()
      await to.append(chunk)
      progress(to.sizeBytes(), totalBytes)
      if (Date.now() - rememberedAt < rememberEveryMs) continue
      await remember()
      rememberedAt = Date.now()
    }
  } finally {
    // If the notes cannot be written (the disk is full), a retry only downloads more bytes again.
    await remember().catch(() => {})
  }
  if (totalBytes !== undefined && to.sizeBytes() !== totalBytes)
    throw new InterruptedError(`${redactUrl(url)}: the connection closed early`)
}

async function wrongHash(to: PartialFile, { checksums, signal }: DownloadOptions): Promise<string | undefined> {
  for (const [name, expected] of Object.entries(checksums) as [HashName, string | undefined][]) {
    if (expected === undefined) continue
    const actual = await to.digest(name, signal)
    if (actual !== expected) return `expected ${name} ${expected}, got ${actual}`
  }
  return undefined
}

function aboutOf(to: PartialFile, url: URL): About | undefined {
  const about = to.about() as Partial<About> | undefined
  return about?.url === url.href && typeof about.safeBytes === 'number' ? (about as About) : undefined
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
