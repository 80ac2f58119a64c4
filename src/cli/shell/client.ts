// The client of the admin API, over a Unix socket or a URL.
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { text as readText } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { dataFolder, socketPath as socketPathOf } from '../../config/data-folder.ts'
import { settings } from '../../config/settings.ts'
import { type FieldFault, faultText, messageOf, quote } from '../../lib/errors.ts'
import { printable } from './format.ts'

/** The admin API, over its unix socket or a URL. Every call throws an Error for the operator, with one line for each fault. */
export type Client = {
  /**
   * Sends a request with an optional JSON body. Returns the JSON answer, or undefined if it is empty.
   * @param ifMatch the ETag that the server must still have
   */
  ask: <T>(method: Method, path: string, body?: unknown, ifMatch?: string) => Promise<T>
  /** GET; undefined if the resource does not exist (404). */
  find: <T>(path: string) => Promise<T | undefined>
  /** GET of a plain text. */
  text: (path: string) => Promise<string>
  /** GET of all pages of a list, or of at most `max` items. `page` is the parameter for the `next` value of a page. */
  list: <T>(path: string, query?: Query, page?: string, max?: number) => Promise<T[]>
  /** An answer that is read as it arrives. A refusal in JSON lines (422) is an answer too. */
  stream: (method: Method, path: string, body?: StreamBody) => Promise<{ status: number; texts: AsyncIterable<string> }>
  /** PUT of a stream of bytes. @param contentRange the part of the file that they are */
  upload: (path: string, bytes: AsyncIterable<Uint8Array>, sizeBytes: number, contentRange?: string) => Promise<void>
}

/** The connection failed or broke. A retry may succeed. */
export class ConnectionError extends Error {
  override name = 'ConnectionError'
}

/** The server refused a request, with a status and a message for the operator. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly status: number
  /** The faults of the request by field. */
  readonly faults: FieldFault[]
  constructor(message: string, status: number, faults: FieldFault[] = []) {
    super(message)
    this.status = status
    this.faults = faults
  }
}

type Method = 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE'
type Query = Record<string, string | string[] | undefined>
type Server = { address: string; options: RequestOptions; prefix: string; secure: boolean }
type Body = {
  bytes: AsyncIterable<Uint8Array> | string
  type: string
  sizeBytes?: number
  contentRange?: string | undefined
  ifMatch?: string | undefined
}
type StreamBody = Pick<Body, 'bytes' | 'type'>
type Answer = { status: number; type: string; text: string }

// The server may hash and sync a large file before it answers.
const idleMs = 120_000
// The server may check a large import before it sends the first line.
const streamIdleMs = 660_000

/** The client for the server in the options, or in the environment, or with our data folder, in that order. */
export function createClient(
  env: Record<string, string | undefined>,
  options: { url?: string | undefined; token?: string | undefined },
): Client {
  const url = options.url ?? (env.BOOTWRIGHT_URL?.trim() || undefined)
  const token = options.token ?? (env.BOOTWRIGHT_TOKEN?.trim() || undefined)
  const server =
    url === undefined
      ? socketServer(env[settings.data.folder.name]?.trim() || settings.data.folder.fallback || '')
      : urlServer(url)

  const send = async (method: Method, path: string, body?: Body): Promise<Answer> => {
    const answer = await exchange(server, method, path, token, body)
    if (answer.status < 300 || answer.status === 404) return answer
    throw new RefusedError(faultOf(server, answer), answer.status, problemOf(answer).errors)
  }
  const requireFound = (answer: Answer): Answer => {
    if (answer.status === 404) throw new RefusedError(faultOf(server, answer), answer.status)
    return answer
  }
  const ask = async <T>(method: Method, path: string, body?: unknown, ifMatch?: string): Promise<T> => {
    const given = body === undefined ? undefined : { ...jsonBody(body), ifMatch }
    return parse<T>(server, requireFound(await send(method, path, given)))
  }

  return {
    ask,
    find: async <T>(path: string) => {
      const answer = await send('GET', path)
      if (answer.status !== 404) return parse<T>(server, answer)
      // A 404 from another server does not mean that the resource does not exist.
      if (!answer.type.startsWith('application/problem+json'))
        throw new RefusedError(faultOf(server, answer), answer.status)
      return undefined
    },
    text: async (path) => requireFound(await send('GET', path)).text,
    list: async <T>(path: string, query: Query = {}, page = 'after', max = Number.POSITIVE_INFINITY) => {
      const items: T[] = []
      let next: string | undefined
      do {
        const limit = String(Math.min(100, max - items.length))
        const answer = await ask<{ items: T[]; next?: string | null }>(
          'GET',
          withQuery(path, { ...query, limit, [page]: next }),
        )
        for (const item of answer.items) items.push(item)
        next = answer.items.length > 0 ? (answer.next ?? undefined) : undefined
      } while (next !== undefined && items.length < max)
      return items
    },
    stream: async (method, path, body) => {
      const { request, response } = await open(server, method, path, token, body, streamIdleMs, 'application/x-ndjson')
      const status = response.statusCode ?? 0
      const type = response.headers['content-type'] ?? ''
      if (status >= 300 && !type.startsWith('application/x-ndjson'))
        throw new Error(faultOf(server, await readAnswer(response).finally(() => request.destroy())))
      return { status, texts: textsOf(server, request, response) }
    },
    upload: async (path, bytes, sizeBytes, contentRange) => {
      requireFound(await send('PUT', path, { bytes, sizeBytes, contentRange, type: 'application/octet-stream' }))
    },
  }
}

/** A path with the query values that are defined, after those that it has already. */
export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    [value ?? []].flat().map((text): [string, string] => [name, text]),
  )
  return given.length === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(given)}`
}

function socketServer(folder: string): Server {
  const address = dataFolder(folder).adminSocket
  const socketPath = socketPathOf(address)
  if (socketPath === undefined) {
    throw new Error(`the path ${address} is too long for a socket: set BOOTWRIGHT_URL and BOOTWRIGHT_TOKEN`)
  }
  return { address, options: { socketPath }, prefix: '', secure: false }
}

function urlServer(text: string): Server {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new Error(`BOOTWRIGHT_URL: expected http://host:port, got ${quote(text)}`)
  // URL keeps the brackets of an IPv6 address; a connection takes it without them.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const prefix = url.pathname.replace(/\/+$/, '')
  return {
    address: `${url.origin}${prefix}`,
    options: { host, port: url.port || undefined },
    prefix,
    secure: url.protocol === 'https:',
  }
}

async function exchange(
  server: Server,
  method: Method,
  path: string,
  token: string | undefined,
  body: Body | undefined,
): Promise<Answer> {
  const { request, response } = await open(server, method, path, token, body, idleMs)
  return (
    readAnswer(response)
      .catch((error: Error) => {
        throw new ConnectionError(connectionFault(server, error), { cause: error })
      })
      // If the server refuses an upload early, the rest is not sent.
      .finally(() => request.destroy())
  )
}

async function* textsOf(server: Server, request: ClientRequest, response: IncomingMessage): AsyncGenerator<string> {
  try {
    for await (const text of response.setEncoding('utf8')) yield text as string
  } catch (error) {
    throw new ConnectionError(connectionFault(server, error as Error), { cause: error })
  } finally {
    request.destroy()
  }
}

function open(
  server: Server,
  method: Method,
  path: string,
  token: string | undefined,
  body: Body | undefined,
  timeoutMs: number,
  accept = 'application/json, text/plain;q=0.9',
): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  const headers = {
    accept,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': body.type }),
    ...(body?.sizeBytes !== undefined && { 'content-length': body.sizeBytes }),
    ...(body?.contentRange !== undefined && { 'content-range': body.contentRange }),
    ...(body?.ifMatch !== undefined && { 'if-match': body.ifMatch }),
  }
  return new Promise((done, failed) => {
    const start = server.secure ? httpsRequest : httpRequest
    const request = start({
      ...server.options,
      method,
      path: `${server.prefix}/api/v1${path}`,
      headers,
      timeout: timeoutMs,
      agent: false,
    })
    const fail = (error: Error) => failed(new ConnectionError(connectionFault(server, error), { cause: error }))
    request.on('timeout', () => request.destroy(new Error(`no answer for ${timeoutMs / 1000} s`)))
    request.on('error', fail)
    request.on('response', (response) => done({ request, response }))
    if (body === undefined || typeof body.bytes === 'string') request.end(body?.bytes)
    // If reading or sending fails, the request is destroyed and emits 'error'.
    else pipeline(body.bytes, request).catch(() => {})
  })
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  return {
    status: response.statusCode ?? 0,
    type: response.headers['content-type'] ?? '',
    text: await readText(response),
  }
}

function jsonBody(value: unknown): Body {
  const bytes = JSON.stringify(value)
  return { bytes, sizeBytes: Buffer.byteLength(bytes), type: 'application/json' }
}

function parse<T>(server: Server, { status, type, text }: Answer): T {
  if (text === '') return undefined as T
  if (!/[/+]json\b/.test(type))
    throw new Error(`${server.address} answered ${status} without JSON: expected the admin address of Bootwright`)
  return JSON.parse(text) as T
}

function connectionFault(server: Server, error: NodeJS.ErrnoException): string {
  const other = 'set BOOTWRIGHT_URL and BOOTWRIGHT_TOKEN'
  if (
    ['ENOENT', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'].includes(
      error.code ?? '',
    )
  ) {
    return `no server answers at ${server.address}: start one with npm start, or ${other}`
  }
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return `${server.address} cannot be opened: permission denied; run this as the user of the server, or ${other}`
  return `${server.address}: ${messageOf(error)}`
}

type Problem = { title?: string; detail?: string; errors?: FieldFault[] }

function problemOf({ type, text }: Answer): Problem {
  return type.startsWith('application/problem+json') ? (JSON.parse(text) as Problem) : {}
}

/** The message for a refusal: for RFC 9457 problems, one line for each wrong field. */
function faultOf(server: Server, answer: Answer): string {
  const { status, type } = answer
  if (!type.startsWith('application/problem+json'))
    return `${server.address} answered ${status}: expected the admin address of Bootwright`
  const { title, detail, errors = [] } = problemOf(answer)
  const lines = errors.map(faultText)
  const message = lines.length > 0 ? lines.join('\n') : (detail ?? title ?? `${server.address} answered ${status}`)
  return printable(status === 401 ? `${message}\nset BOOTWRIGHT_TOKEN, or --token, to a valid token` : message)
}
