// The client of the API in this process. The page has no other way to the inventory.
import type { Principal } from '../../auth/principal.ts'
import type { FieldFault } from '../../lib/errors.ts'

/** A request to the API in the name of a principal. */
export type Fetch = (
  request: Request,
  env: { principal: Principal; incoming?: unknown },
) => Response | Promise<Response>

/** The API refused a request. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly status: number
  /** The code of the refusal, such as BW-ACCESS-ROLE. */
  readonly code: string | undefined
  /** The wrong fields (422). */
  readonly faults: FieldFault[]
  constructor(message: string, status: number, code: string | undefined, faults: FieldFault[]) {
    super(message)
    this.status = status
    this.code = code
    this.faults = faults
  }
}

export type Method = 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE'
export type Query = Record<string, string | readonly string[] | undefined>

/** The API as one principal. Paths begin below `/api/v1`. */
export type ApiClient = {
  /** Sends a JSON body and returns the JSON answer; undefined for an empty answer. @throws RefusedError */
  ask: <T>(method: Method, path: string, body?: unknown, headers?: Record<string, string>) => Promise<T>
  /** GET of something that can be edited, with its entity tag for If-Match. @throws RefusedError */
  read: <T>(path: string) => Promise<{ body: T; etag: string }>
  /** GET; undefined for 404. @throws RefusedError */
  find: <T>(path: string) => Promise<T | undefined>
  /** GET of a text. @throws RefusedError */
  text: (path: string) => Promise<string>
  /** Sends a text of this media type and returns the JSON answer. @throws RefusedError */
  upload: <T>(method: Method, path: string, text: string, type: string) => Promise<T>
  /** The response itself, for streams. The caller aborts the signal when the client disconnects. */
  open: (path: string, signal: AbortSignal, headers?: Record<string, string>) => Promise<Response>
}

type Problem = { title?: string; detail?: string; code?: string; errors?: FieldFault[] }

export function createApiClient(fetch: Fetch, principal: Principal): ApiClient {
  const send = async (method: Method, path: string, init: RequestInit = {}) =>
    fetch(new Request(`http://page/api/v1${path}`, { method, ...init }), { principal })
  const sendJson = (method: Method, path: string, body: unknown, headers: Record<string, string>) =>
    body === undefined
      ? send(method, path, { headers })
      : send(method, path, { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } })
  return {
    ask: async <T>(method: Method, path: string, body?: unknown, headers = {}) =>
      parse<T>(await requireOk(await sendJson(method, path, body, headers))),
    read: async <T>(path: string) => {
      const response = await requireOk(await send('GET', path))
      return { body: await parse<T>(response), etag: response.headers.get('etag') ?? '*' }
    },
    find: async <T>(path: string) => {
      const response = await send('GET', path)
      if (response.status === 404) return undefined
      return parse<T>(await requireOk(response))
    },
    text: async (path) => (await requireOk(await send('GET', path))).text(),
    upload: async <T>(method: Method, path: string, text: string, type: string) => {
      const headers = { 'content-type': type, accept: 'application/json' }
      return parse<T>(await requireOk(await send(method, path, { body: text, headers })))
    },
    open: (path, signal, headers = {}) => send('GET', path, { signal, headers }),
  }
}

/** A path with the query values that are defined and not empty. */
export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap((text): [string, string][] => (text === '' ? [] : [[name, text]])),
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

/** A path of segments, each encoded. */
export function pathOf(...segments: string[]): string {
  return `/${segments.map(encodeURIComponent).join('/')}`
}

async function parse<T>(response: Response): Promise<T> {
  const text = await response.text()
  return (text === '' ? undefined : JSON.parse(text)) as T
}

async function requireOk(response: Response): Promise<Response> {
  if (response.ok) return response
  const text = await response.text()
  const problem = (response.headers.get('content-type') ?? '').includes('json') ? (JSON.parse(text) as Problem) : {}
  const message = problem.detail ?? problem.title ?? `the API answered ${response.status}`
  throw new RefusedError(message, response.status, problem.code, problem.errors ?? [])
}
