// HTTP to one BMC: bounded answers, no redirects, no proxies, and only paths of that BMC.
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '../../lib/errors.ts'
import { PowerError } from '../port.ts'
import { type BmcAddress, connectBmc } from './connect.ts'
import { errorText } from './error-text.ts'

export type BmcAnswer = { status: number; headers: IncomingMessage['headers']; body: Record<string, unknown> }
export type BmcRequest = { body?: unknown; headers?: Record<string, string> }
export type BmcMethod = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** One BMC. Rejects with a PowerError for every fault but a status of the BMC. */
export type BmcHttp = {
  send: (method: BmcMethod, path: string, request?: BmcRequest) => Promise<BmcAnswer>
  /** The JSON object at a path. A fault of the network or of the server is retried. */
  get: (path: string) => Promise<BmcAnswer>
}

export type BmcLimits = {
  /** Milliseconds for one answer. BMCs are slow. */
  answerMs: number
  maxBytes: number
  /** Milliseconds between two attempts of a GET. */
  retryMs: number
}

const maxTries = 3

/** @param headersOf the headers that authenticate a request */
export function openBmcHttp(
  address: BmcAddress,
  limits: BmcLimits,
  headersOf: () => Record<string, string>,
  signal: AbortSignal,
): BmcHttp {
  const send: BmcHttp['send'] = async (method, path, { body, headers } = {}) => {
    checkPath(path)
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(limits.answerMs)])
    try {
      const sent = { ...headersOf(), ...headers }
      const answer = await exchange(address, method, path, sent, body, timeout)
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: await readJson(answer, limits.maxBytes) }
    } catch (error) {
      if (error instanceof PowerError) throw error
      signal.throwIfAborted()
      const text = timeout.aborted ? `no answer within ${limits.answerMs / 1000} s` : messageOf(error)
      throw new NetworkError(`${address.url.host}: ${text}`)
    }
  }
  const get: BmcHttp['get'] = async (path) => {
    for (let tries = 1; ; tries++) {
      const result = await send('GET', path).catch((error: unknown) => {
        if (error instanceof NetworkError && tries < maxTries) return undefined
        throw error
      })
      if (result !== undefined && (result.status < 500 || tries === maxTries)) return requireOk(result, `GET ${path}`)
      await wait(limits.retryMs, undefined, { signal })
    }
  }
  return { send, get }
}

/** The BMC did not answer. */
class NetworkError extends PowerError {}

/** @throws PowerError with the words of the BMC, if the status is an error */
export function requireOk(answer: BmcAnswer, what: string): BmcAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer
  throw new PowerError(`the BMC refused ${what}: ${refusalOf(answer)}`)
}

/** The status of a refusal with the words of the BMC. */
export function refusalOf({ status, headers, body }: BmcAnswer): string {
  // A redirect could lead the credentials to a host that no operator entered.
  if (status >= 300 && status < 400) return `HTTP ${status}, a redirect to ${String(headers.location).slice(0, 200)}`
  return [`HTTP ${status}`, errorText(body)].filter(Boolean).join(': ')
}

/** A BMC names its resources itself. A path of another host or with control characters is refused. */
function checkPath(path: string): void {
  if (!/^\/(?!\/)[\x21-\x7e]{0,1000}$/.test(path))
    throw new PowerError(`the BMC names an unusable path: ${JSON.stringify(path.slice(0, 100))}`)
}

async function exchange(
  address: BmcAddress,
  method: BmcMethod,
  path: string,
  headers: Record<string, string>,
  body: unknown,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const socket = await connectBmc(address)
  const text = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      method,
      path,
      headers: {
        host: address.url.host,
        accept: 'application/json',
        'odata-version': '4.0',
        'user-agent': 'Bootwright',
        ...headers,
        ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
      createConnection: () => socket,
      signal,
    })
    request.on('error', reject)
    request.on('response', (answer) => {
      answer.on('error', () => {})
      resolve(answer)
    })
    request.end(text)
  })
}

/** The body as a JSON object; empty for any other text. */
async function readJson(answer: IncomingMessage, maxBytes: number): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new PowerError(`the BMC answered with more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {}
  } catch {
    return {}
  }
}
