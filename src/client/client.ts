// The client of the admin API for other programs: `bootwright/client`. `npm run client` generates its types from the schemas.
import createFetchClient, { type Client, type ClientOptions } from 'openapi-fetch'

/** The server and the token of a client. `fetch` replaces the fetch of the platform, for example for a proxy. */
export type BootwrightOptions = {
  /** The admin address: `https://bootwright.example.org`. A path at its end stays. */
  url: string
  /** An admin token; without one only the endpoints of health answer. */
  token?: string
} & Pick<ClientOptions, 'fetch'>

/** The body of a refusal (RFC 9457). `errors` has each wrong field, its value, and what was expected. */
export type Problem = {
  title: string
  status: number
  detail: string
  code?: string
  errors?: { field: string; value: string; expected: string; message?: string }[]
}

/** The server refused a request. The message is one line. */
export class BootwrightError extends Error {
  override name = 'BootwrightError'
  readonly status: number
  /** Undefined if the answer is another document, or came from another server, such as a proxy. */
  readonly problem: Problem | undefined
  /** What the answer had: the problem document, or another document, such as the faults of the rows that a sync refused. */
  readonly body: unknown
  constructor(status: number, problem: Problem | undefined, body: unknown = problem) {
    super(problem?.detail ?? `the server answered ${status}`)
    this.status = status
    this.problem = problem
    this.body = body
  }
}

/** Makes a client. It sends the token with each request, and never follows a redirect with it to another server. */
export function createClient<Paths extends object>({ url, token, fetch }: BootwrightOptions): Client<Paths> {
  return createFetchClient<Paths>({
    baseUrl: url.replace(/\/+$/, ''),
    redirect: 'error',
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    ...(fetch !== undefined && { fetch }),
  })
}

type Result<Data> = { data?: Data | undefined; error?: unknown; response: Response }

/** The data of an answer. @throws BootwrightError if the server refused the request */
export async function unwrap<Data>(result: Result<Data> | Promise<Result<Data>>): Promise<Data> {
  const { data, error, response } = await result
  if (response.ok) return data as Data
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') ?? false
  throw new BootwrightError(response.status, isProblem ? (error as Problem) : undefined, error)
}
