// GET with redirects, timeouts and a minimum speed.
import { STATUS_CODES } from 'node:http'
import { redactUrl } from '../../lib/base-url.ts'
import { messageOf } from '../../lib/errors.ts'
import { openAnswer } from './http-request.ts'
import type { Connector } from './proxies.ts'

/** The request failed for a reason that may pass: a retry may succeed. */
export class InterruptedError extends Error {
  override name = 'InterruptedError'
  /** The Retry-After of the server, in milliseconds. */
  readonly retryAfterMs: number | undefined
  constructor(message: string, options: ErrorOptions & { retryAfterMs?: number | undefined } = {}) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs
  }
}

export type GetOptions = {
  connector: Connector
  /** Milliseconds without a byte after which the request fails. */
  stallMs: number
  /** Minimum speed over that time, in bytes per second; 0 for no limit. A slower request fails. */
  minBytesPerSecond?: number | undefined
  /** The caller verifies the bytes by a checksum, so a redirect from https to http is allowed. */
  hasChecksum: boolean
  signal?: AbortSignal | undefined
  headers?: Record<string, string>
}

export type Got = {
  status: number
  header: (name: string) => string | undefined
  /** The bytes as the server stores them. No content coding is decoded, because Apache labels a stored .gz with one. */
  body: AsyncIterable<Uint8Array>
  /** Ends the request and discards the remaining body. */
  drop: () => void
}

/** Default minimum speed of a server. */
export const defaultMinBytesPerSecond = 1024

const maxRedirects = 5
const maxRetryAfterMs = 60_000

// Error codes of Node for temporary faults. An unknown host name or a wrong certificate is permanent.
const passing = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
])

/**
 * Requests a URL and follows its redirects.
 * @throws InterruptedError if a retry may succeed; Error that names the URL, with its secrets redacted
 */
export async function get(start: URL, options: GetOptions): Promise<Got> {
  let url = start
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const got = await once(url, start, options)
    const location = got.header('location')
    if (![301, 302, 303, 307, 308].includes(got.status) || location === undefined) return got
    got.drop()
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined
    if (next === undefined || !/^https?:$/.test(next.protocol))
      throw new Error(`${redactUrl(url)} redirects to a URL that is neither http nor https`)
    if (url.protocol === 'https:' && next.protocol === 'http:' && !options.hasChecksum)
      throw new Error(
        `${redactUrl(url)} redirects from https to http, and there is no checksum to verify the file. Next step: give its sha256`,
      )
    url = next
  }
  throw new Error(`${redactUrl(start)} redirects more than ${maxRedirects} times`)
}

/** The body of a URL, at most `maxBytes`. @throws as `get` */
export async function getSmall(url: URL, maxBytes: number, options: GetOptions): Promise<Buffer> {
  const got = await get(url, options)
  if (got.status !== 200) {
    got.drop()
    throw refusal(url, got)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of got.body) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      got.drop()
      throw new Error(`${redactUrl(url)} has more than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The error for an unexpected HTTP status. */
export function refusal(url: URL, { status, header }: Pick<Got, 'status' | 'header'>): Error {
  const message = `${redactUrl(url)} answered ${status} ${STATUS_CODES[status] ?? ''}`.trim()
  const passes = status >= 500 || status === 408 || status === 429
  return passes
    ? new InterruptedError(message, { retryAfterMs: retryAfter(header('retry-after')) })
    : new Error(message)
}

async function once(url: URL, start: URL, options: GetOptions): Promise<Got> {
  const { connector, stallMs, signal } = options
  const stop = new AbortController()
  const watch = watchSilence(stallMs, () => stop.abort(new InterruptedError(`no data for ${stallMs / 1000} s`)))
  const abort = () => stop.abort(signal?.reason)
  const end = () => {
    watch.end()
    signal?.removeEventListener('abort', abort)
  }
  signal?.addEventListener('abort', abort)
  try {
    signal?.throwIfAborted()
    // The password is sent to the server of the first URL only, never to a server that it redirects to.
    const login = url.origin === start.origin ? loginOf(start) : {}
    const headers = { 'user-agent': 'bootwright', 'accept-encoding': 'identity', ...login, ...options.headers }
    const bare = new URL(url)
    bare.username = ''
    bare.password = ''
    const answer = await openAnswer(bare, { headers, agent: connector.agentFor(bare), signal: stop.signal })
    watch.heard()
    return {
      status: answer.statusCode ?? 0,
      header: (name) => [answer.headers[name]].flat()[0],
      body: bytesOf(answer, watch, options, end, (error) => explained(error, stop, url)),
      drop: () => {
        end()
        answer.destroy()
      },
    }
  } catch (error) {
    end()
    throw explained(error, stop, url)
  }
}

type Watch = { heard: () => void; end: () => void }

function watchSilence(ms: number, tooLong: () => void): Watch {
  let timer = setTimeout(tooLong, ms)
  const end = () => clearTimeout(timer)
  return {
    end,
    heard: () => {
      end()
      timer = setTimeout(tooLong, ms)
    },
  }
}

async function* bytesOf(
  body: AsyncIterable<Uint8Array>,
  watch: Watch,
  { stallMs, minBytesPerSecond = defaultMinBytesPerSecond }: GetOptions,
  end: () => void,
  explain: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  const minBytes = (minBytesPerSecond * stallMs) / 1000
  let bytes = 0
  let waitedMs = 0
  try {
    let since = performance.now()
    for await (const chunk of body) {
      // The time that the reader takes does not count as a stall of the server.
      watch.end()
      bytes += chunk.length
      waitedMs += performance.now() - since
      // Otherwise a server that sends a byte now and then could occupy an import slot forever.
      if (waitedMs >= stallMs) {
        if (bytes < minBytes) throw new InterruptedError(`only ${bytes} bytes in ${Math.round(waitedMs / 1000)} s`)
        bytes = 0
        waitedMs = 0
      }
      yield chunk
      since = performance.now()
      watch.heard()
    }
  } catch (error) {
    throw explain(error)
  } finally {
    end()
  }
}

function explained(error: unknown, stop: AbortController, url: URL): unknown {
  if (stop.signal.aborted && !(stop.signal.reason instanceof InterruptedError)) return stop.signal.reason
  const fault = stop.signal.aborted ? stop.signal.reason : error
  const code = String((fault as { code?: unknown }).code ?? '')
  if (fault instanceof InterruptedError)
    return new InterruptedError(`${redactUrl(url)}: ${fault.message}`, { cause: error })
  const why = ['ECONNRESET', 'EPIPE'].includes(code) ? 'the connection closed early' : messageOf(fault) || code
  const message = `${redactUrl(url)}: ${why}`
  return passing.has(code) ? new InterruptedError(message, { cause: error }) : new Error(message, { cause: error })
}

function loginOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` }
}

// RFC 9110, 10.2.3: seconds, or a date.
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), maxRetryAfterMs)
}
