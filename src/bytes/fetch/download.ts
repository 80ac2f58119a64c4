// A download into a file: retried, resumed, and verified by its checksums.
import { setTimeout as wait } from 'node:timers/promises'
import { redactUrl } from '../../lib/base-url.ts'
import { type Got, get, InterruptedError, refusal } from './http-get.ts'
import type { Checksums, HashName, PartialFile } from './partial-file.ts'
import type { Connector } from './proxies.ts'

export type DownloadOptions = {
  connector: Connector
  /** Without a byte for this long a try is given up, milliseconds. */
  stallMs: number
  /** Slower than this over that time, bytes a second, a try is given up too. */
  minBytesPerSecond?: number | undefined
  /** How long to wait after each try that brought nothing, milliseconds; after the last the download is given up. */
  retriesMs: number[]
  maxBytes: number
  /** What the bytes must hash to. */
  checksums: Checksums
  signal?: AbortSignal | undefined
  progress: (bytes: number, total: number | undefined) => void
  /** Told when a try failed and another comes: why, in words. */
  interrupted?: (why: string) => void
}

/** What is remembered of a download beside what arrived of it, so that it can go on later. */
type About = {
  url: string
  etag?: string | undefined
  lastModified?: string | undefined
  totalBytes?: number | undefined
  /** So many of its first bytes are on the disk itself, whatever happened since. */
  safeBytes: number
}

/** What a try has to begin with. */
type Start = { offset: number; about: About | undefined }

// A try that brought so much more than any before is no failure: a large file over a bad line comes in many pieces.
const worthwhileBytes = 64 * 1024
const rememberEveryMs = 1000

/** How long a server waits between its tries: about two minutes in all, for a mirror or a line that comes back. */
export const patientRetriesMs = [1000, 2000, 4000, 8000, 15_000, 30_000, 30_000, 30_000]

/**
 * Downloads an http or https URL into a file, going on where it was cut, now or in an earlier run (RFC 9110: Range with
 * If-Range), and beginning again when it is another file now. What arrived stays when it fails, unless its hash is wrong.
 * @throws Error that names the URL, without the secrets that may be in it; DiskFullError; the reason of the signal
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
    // What was here may have been of another file: once more, all of it.
    await to.truncate(0)
    await fetchWhole(url, to, options)
    fault = await wrongHash(to, options)
  }
  if (fault === undefined) return { sizeBytes: to.sizeBytes(), sha256: await to.digest('sha256', options.signal) }
  await to.truncate(0)
  throw new Error(`${redactUrl(url)}: ${fault}`)
}

/** Tries until the whole is here. */
async function fetchWhole(url: URL, to: PartialFile, options: DownloadOptions): Promise<void> {
  let most = to.sizeBytes()
  let failures = 0
  for (;;) {
    try {
      return await tryOnce(url, to, options)
    } catch (error) {
      const after = aboutOf(to, url)
      const so = `after ${to.sizeBytes()}${after?.totalBytes === undefined ? '' : ` of ${after.totalBytes}`} bytes`
      if (!(error instanceof InterruptedError)) throw error
      failures = to.sizeBytes() >= most + worthwhileBytes ? 0 : failures + 1
      most = Math.max(most, to.sizeBytes())
      const waitMs = options.retriesMs[Math.max(0, failures - 1)]
      if (waitMs === undefined || failures > options.retriesMs.length)
        throw new Error(`${error.message} ${so}`, { cause: error })
      options.interrupted?.(error.message)
      // A fifth more or less, so that many who were cut together do not come back together.
      const jittered = Math.round(waitMs * (0.8 + Math.random() * 0.4))
      await wait(Math.max(error.retryAfterMs ?? 0, jittered), undefined, { signal: options.signal }).catch(() =>
        options.signal?.throwIfAborted(),
      )
    }
  }
}

/** One request, after which the whole is here. @throws InterruptedError when another try may bring more */
async function tryOnce(url: URL, to: PartialFile, options: DownloadOptions): Promise<void> {
  const { connector, stallMs, minBytesPerSecond, signal } = options
  const hashKnown = Object.values(options.checksums).some((one) => one !== undefined)
  const start = await startOf(url, to, hashKnown)
  const got = await get(url, { connector, stallMs, minBytesPerSecond, signal, hashKnown, headers: rangeOf(start) })
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
  throw new InterruptedError(`${redactUrl(url)} answered with another part of the file than was asked for`)
}

/** What of the file can be kept: with a hash to check the whole by, all of it; else what is sure to be of the same file. */
async function startOf(url: URL, to: PartialFile, hashKnown: boolean): Promise<Start> {
  const about = aboutOf(to, url)
  const usable = about?.etag !== undefined || about?.lastModified !== undefined
  const safe = hashKnown ? to.sizeBytes() : usable ? Math.min(about.safeBytes, to.sizeBytes()) : 0
  if (safe < to.sizeBytes()) await to.truncate(safe)
  return { offset: to.sizeBytes(), about }
}

function rangeOf({ offset, about }: Start): Record<string, string> {
  if (offset === 0) return {}
  const validator = about?.etag ?? about?.lastModified
  return { range: `bytes=${offset}-`, ...(validator !== undefined && { 'if-range': validator }) }
}

/** Where the bytes of an answer belong; `elsewhere`: not after those that are here; undefined: it brings none. */
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
  const tooLarge = () => new Error(`${redactUrl(url)} has more than ${maxBytes} bytes, the most that a file may have`)
  if (totalBytes !== undefined && totalBytes > maxBytes) throw tooLarge()
  await to.requireRoom((totalBytes ?? 0) - to.sizeBytes())
  const etag = got.header('etag')
  const about = {
    url: url.href,
    // A weak tag does not say that the bytes are the same (RFC 9110, 13.1.5).
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
    // Not to be remembered (the disk is full) only means that more of it comes again.
    await remember().catch(() => {})
  }
  if (totalBytes !== undefined && to.sizeBytes() !== totalBytes)
    throw new InterruptedError(`${redactUrl(url)}: the connection was cut`)
}

async function wrongHash(to: PartialFile, { checksums, signal }: DownloadOptions): Promise<string | undefined> {
  for (const [name, wanted] of Object.entries(checksums) as [HashName, string | undefined][]) {
    if (wanted === undefined) continue
    const actual = await to.digest(name, signal)
    if (actual !== wanted) return `its ${name} is ${actual}, not ${wanted} as it should be`
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
