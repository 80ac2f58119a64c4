import { createRoute, type OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { FileChecks } from '../care/check-file.ts'
import type { Db } from '../db/open.ts'
import type { PartialFiles } from '../intake/partial-files.ts'
import type { ChangeFeed } from '../inventory/change-feed.ts'
import type { Actor } from '../inventory/changes.ts'
import type { Decision } from '../inventory/decision.ts'
import type { Facts } from '../inventory/facts.ts'
import type { Precondition } from '../inventory/precondition.ts'
import type { FindSituation } from '../inventory/situation.ts'
import type { Logger } from '../log.ts'
import type { Sealer } from '../seal.ts'
import type { FileStore } from '../store/file-store.ts'
import { onceForKey } from './idempotency.ts'
import { conditionalHeaders, preconditionOf } from './preconditions.ts'
import { problem, problemSchema } from './problems.ts'

/** What the admin API works with. */
export type AdminDeps = {
  db: Db
  store: FileStore
  checks: FileChecks
  sealer: Sealer
  feed: ChangeFeed
  log: Logger
  maxFileBytes: number
  /** `http://host:port` of the boot server, for previews that do not say where the machine would ask. */
  bootUrl: string
  findSituation: FindSituation
  databaseAnswers: () => Promise<boolean>
  databaseIsShort: () => boolean
  /** How images and files come in. */
  intake: {
    /** The id of this server's data folder. */
    server: string
    recipeFolders: string[]
    partials: PartialFiles
    /** Has waiting imports begin at once. */
    wake: () => void
  }
  /** The script that a machine with these facts would get, and why. `baseUrl` is the address it would ask. */
  preview: (facts: Facts, baseUrl: string | undefined) => Promise<{ script: string; decision: Decision }>
  /** True on the unix socket in the data folder, whose file permissions are the authentication: no token is asked for. */
  trusted: boolean
}

/** Who makes a request is known once it is let in: the name of its token, or `operator` on the socket. */
export type ApiEnv = { Variables: { actor: Actor } }

export type Method = 'get' | 'put' | 'post' | 'patch' | 'delete'

/** What an endpoint answers: a status, a body to be written as JSON (or as it is, when it is text), headers. */
export type Answer<Body> = { status: 200 | 201 | 202 | 204 | 503; body?: Body; headers?: Record<string, string> }

type Input<Params, Query, Body> = {
  params: z.output<Params>
  query: z.output<Query>
  body: z.output<Body>
  /** Who asks. */
  by: Actor
  /** What If-Match and If-None-Match demand; empty where the endpoint is not conditional. */
  precondition: Precondition
}

/** One operation: its documentation and its schemas, which also check what comes in, and the function that answers. */
export type EndpointSpec<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Result extends z.ZodType,
> = {
  operationId: string
  summary: string
  description?: string
  params?: Params
  query?: Query
  /** Headers that it heeds; their values are checked, and `answer` reads them itself. */
  headers?: z.ZodObject
  body?: Body
  /** The request's body is a stream of bytes that `answer` reads itself. Such a POST takes no Idempotency-Key. */
  bodyIsBytes?: true
  /** What those bytes may be, where it is not any. */
  bodyTypes?: readonly string[]
  /** If-Match and If-None-Match are heeded. */
  conditional?: true
  /** No token is asked for. */
  open?: true
  returns?: Result
  returnsType?: 'application/json' | 'text/plain' | 'text/event-stream'
  /** The answer is a stream of one of these instead. Such a POST takes no Idempotency-Key. */
  returnsTypes?: readonly string[]
  /** Every status of success, with its description; 422 where that too is answered with what `returns` says. */
  statuses: { [Status in 200 | 201 | 202 | 204 | 422 | 503]?: string }
  /** A stream is answered as a Response. */
  answer: (
    deps: AdminDeps,
    input: Input<Params, Query, Body>,
    context: Context,
  ) => Promise<Answer<z.input<Result>> | Response>
}

export type Endpoint = EndpointSpec<z.ZodType, z.ZodType, z.ZodType, z.ZodType>

/** Gives an endpoint's `answer` the types of its schemas. */
export function endpoint<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  spec: EndpointSpec<P, Q, B, R>,
): Endpoint {
  return spec as unknown as Endpoint
}

const mostJsonBytes = 2 ** 20

const boundedJson: MiddlewareHandler = bodyLimit({
  maxSize: mostJsonBytes,
  onError: () => problem({ status: 413, detail: `a JSON body has at most ${mostJsonBytes} bytes` }),
})

/** Serves an endpoint at a method and a path (`/machines/{id}`), and adds it to the OpenAPI document under the tag. */
export function register(
  app: OpenAPIHono,
  deps: AdminDeps,
  method: Method,
  path: string,
  tag: string,
  spec: Endpoint,
): void {
  const route = createRoute({
    method,
    path,
    tags: [tag],
    operationId: spec.operationId,
    summary: spec.summary,
    ...(spec.description !== undefined && { description: spec.description }),
    ...(spec.open && { security: [] }),
    ...(spec.body !== undefined && { middleware: [boundedJson] }),
    request: requestOf(spec),
    responses: responsesOf(spec),
  } as RouteConfig)
  app.openapi(route, (async (context: Context) => {
    const valid = (target: 'param' | 'query' | 'json') => context.req.valid(target as never) as unknown
    const by = (context as Context<ApiEnv>).get('actor') ?? 'anonymous'
    const precondition = spec.conditional ? preconditionOf(context) : {}
    const input = { params: valid('param'), query: valid('query'), body: valid('json'), by, precondition }
    const answer = async (db: Db) => {
      const given = await spec.answer({ ...deps, db }, input, context)
      return given instanceof Response ? given : responseOf(context, given)
    }
    const atOnce = !spec.bodyIsBytes && spec.returnsTypes === undefined
    return method === 'post' && atOnce ? onceForKey(context, deps, by, input.body, answer) : answer(deps.db)
  }) as never)
}

function responseOf(context: Context, { status, body, headers }: Answer<unknown>): Response {
  if (body === undefined) return context.body(null, 204, headers)
  return typeof body === 'string'
    ? context.text(body, status as 200, headers)
    : context.json(body as object, status as 200, headers)
}

function requestOf(spec: Endpoint): RouteConfig['request'] {
  const bytes = z.string().openapi({ type: 'string', format: 'binary' })
  return {
    ...(spec.params !== undefined && { params: spec.params as z.ZodObject }),
    ...(spec.query !== undefined && { query: spec.query as z.ZodObject }),
    ...(spec.conditional && { headers: conditionalHeaders }),
    ...(spec.headers !== undefined && { headers: spec.headers }),
    ...(spec.body !== undefined && {
      body: { required: true, content: { 'application/json': { schema: spec.body } } },
    }),
    ...(spec.bodyIsBytes && {
      body: { required: true, content: contentOf(spec.bodyTypes ?? ['application/octet-stream'], bytes) },
    }),
  }
}

function responsesOf(spec: Endpoint): RouteConfig['responses'] {
  const types = spec.returnsTypes ?? [spec.returnsType ?? 'application/json']
  const content = spec.returns && contentOf(types, spec.returns)
  const answers = Object.entries(spec.statuses).map(([status, description]) => [
    status,
    { description, ...(status !== '204' && content && { content }) },
  ])
  return {
    ...Object.fromEntries(answers),
    default: {
      description: 'What is wrong (RFC 9457)',
      content: { 'application/problem+json': { schema: problemSchema } },
    },
  }
}

function contentOf(types: readonly string[], schema: z.ZodType) {
  return Object.fromEntries(types.map((type) => [type, { schema }]))
}
