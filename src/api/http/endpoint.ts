// Endpoints: their schemas, documentation and functions, and how the app serves them.
import type { OpenAPIHono, RouteConfig, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Action } from '../../auth/may.ts'
import type { Principal } from '../../auth/principal.ts'
import type { SignInDeps } from '../../auth/sign-in-deps.ts'
import type { PartialFiles } from '../../bytes/fetch/partial-files.ts'
import type { FileStore } from '../../bytes/store/file-store.ts'
import type { Db } from '../../db/open.ts'
import type { AnswerDeps } from '../../decide/answer.ts'
import type { ServerNetwork } from '../../decide/dhcp-site.ts'
import type { Doctor } from '../../doctor/doctor.ts'
import type { FileChecks } from '../../files/check.ts'
import type { Recipes } from '../../intake/recipes.ts'
import type { Actor } from '../../inventory/changes/changes.ts'
import type { ChangeFeed } from '../../inventory/changes/feed.ts'
import type { Precondition } from '../../inventory/common/precondition.ts'
import type { Inventory } from '../../inventory/open.ts'
import type { HealthSources } from '../../inventory/system/health.ts'
import { InputError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import type { Sealer } from '../../lib/seal.ts'
import type { Scope } from '../../model/access/scope.ts'
import type { PresentNbp } from '../../model/firmware/nbp.ts'
import { checkRights } from '../access/rights.ts'
import type { NowBoard } from '../boots/now-board.ts'
import { asksForDryRun, hasDryRunBody, withDryRun, withQuerySchema } from '../changes/dry-run-query.ts'
import type { ServerFacts } from '../system/server-facts.ts'
import { onceForKey } from './idempotency.ts'
import { checkJson } from './json-text.ts'
import { routeOf } from './openapi.ts'
import { preconditionOf } from './preconditions.ts'
import { problem } from './problems.ts'

/** The parts of the server that the admin API uses. */
export type AdminDeps = HealthSources &
  AnswerDeps & {
    db: Db
    inventory: Pick<Inventory, 'journal' | 'roster'>
    store: FileStore
    checks: FileChecks
    sealer: Sealer
    doctor: Doctor
    feed: ChangeFeed
    now: NowBoard
    log: Logger
    metrics: Metrics
    /** The sign-in of people. */
    signIn: SignInDeps
    /** `http://host:port` of the admin server, for links that people open. */
    adminUrl: () => string
    /** Whether an address may read the metrics without a token. */
    mayScrape: (address: string) => boolean
    /** Whether an address is a proxy in front of admin HTTP, whose headers name the client. */
    isTrustedProxy: (address: string) => boolean
    maxFileBytes: number
    /** The boot programs that this server serves, by name. */
    nbps: ReadonlyMap<string, PresentNbp>
    network: ServerNetwork
    server: ServerFacts
    /** `http://host:port` of the boot server, for previews without a baseUrl. */
    bootUrl: string
    /** Imports and uploads. */
    intake: {
      /** The id of this server's data folder. */
      server: string
      loadRecipes: (db: Db) => Promise<Recipes>
      partials: PartialFiles
      /** Starts waiting imports at once. */
      wake: () => void
      newestVersion: (recipe: string, db: Db) => Promise<string | undefined>
    }
    power: {
      /** Begins power requests that wait, at once. */
      wake: () => void
    }
    /** True on the unix socket in the data folder: its file permissions authenticate the client, and no token is required. */
    trusted: boolean
  }

/** The client of an authenticated request. The page sets `principal` when it asks in the name of a person. */
export type ApiEnv = { Variables: { principal: Principal }; Bindings: { principal?: Principal } }

export type Method = 'get' | 'put' | 'post' | 'patch' | 'delete'

/** The answer of an endpoint: a status, headers and a body. A text is sent as it is, anything else as JSON. */
export type Answer<Body> = { status: 200 | 201 | 202 | 204 | 503; body?: Body; headers?: Record<string, string> }

type Input<Params, Query, Body> = {
  params: z.output<Params>
  query: z.output<Query>
  body: z.output<Body>
  /** The actor of the request. */
  by: Actor
  /** The machines that the request may see and change; undefined for all machines. */
  scope: Scope | undefined
  /** The conditions in If-Match and If-None-Match; empty if the endpoint is not conditional. */
  precondition: Precondition
  /** The result of the endpoint's `prepare`. */
  prepared?: unknown
}

/** One operation: its documentation, the schemas that validate its input, and its function. */
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
  /** Headers that the endpoint uses. They are validated here, and `answer` reads them. */
  headers?: z.ZodObject
  body?: Body
  /** True if `answer` reads the body as a stream of bytes. Such a POST takes no Idempotency-Key. */
  bodyIsBytes?: true
  /** The media types of that body. If absent, any. */
  bodyTypes?: readonly string[]
  /** The schema of that body if its media type is application/json. */
  bodyJson?: z.ZodType
  /** The limit of a JSON body in bytes; by default 1 MiB. */
  maxBodyBytes?: number
  /** True if a missing body means `{}`. */
  bodyOptional?: true
  /** True if the endpoint obeys If-Match and If-None-Match. */
  conditional?: true
  /** What the endpoint does, for the table of rights; `open` if none is required. */
  action: Action | 'open'
  /**
   * What a token for some machines gets: `any`: the endpoint is about no machine. `machine`: it is about the machine `id` of the
   * path, which must be in the scope. `filtered`: it obeys `scope` itself. Undefined: a refusal.
   */
  scope?: 'any' | 'machine' | 'filtered'
  returns?: Result
  returnsType?: 'application/json' | 'text/plain' | 'text/event-stream'
  /** The media types of an answer that is a stream. Such a POST takes no Idempotency-Key. */
  returnsTypes?: readonly string[]
  /** The schema of the document that replaces that stream for clients that accept only application/json. */
  returnsSummary?: z.ZodType
  /** Every successful status with its description; also 422 if its body follows `returns`. */
  statuses: { [Status in 200 | 201 | 202 | 204 | 422 | 503]?: string }
  /** Runs before the transaction of a POST with an Idempotency-Key; `answer` receives the result. */
  prepare?(deps: AdminDeps, input: Input<Params, Query, Body>): Promise<unknown>
  /** Handles the request. A stream is returned as a Response. */
  answer(
    deps: AdminDeps,
    input: Input<Params, Query, Body>,
    context: Context,
  ): Promise<Answer<z.input<Result>> | Response>
}

/** Any endpoint, for the table of routes. `prepare` and `answer` are methods, so that narrower types are assignable. */
export type Endpoint = EndpointSpec<z.ZodType, z.ZodType, z.ZodType, z.ZodType>

/** Gives `answer` the types of the schemas, so that the compiler checks its result against `returns`. */
export function endpoint<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType>(
  spec: EndpointSpec<P, Q, B, R>,
): EndpointSpec<P, Q, B, R> {
  return spec
}

const maxJsonBytes = 2 ** 20

/** Checks a JSON body before its schema does. A missing body must not count as `{}`: a PUT of `{}` clears every field. */
function checkedBody(optional: boolean, hasDryRun: boolean): MiddlewareHandler {
  return async (context, next) => {
    const text = await context.req.text()
    if (text.trim() === '') {
      if (!optional) throw new InputError({ field: 'body', value: 'nothing', expected: 'a JSON object' })
      // Some generated clients send application/json with an empty body.
      context.req.bodyCache.text = Promise.resolve('{}') as never
    } else if (isJson(context)) checkJson(await context.req.json().catch(() => undefined))
    if (hasDryRun && asksForDryRun(context))
      context.req.bodyCache.text = Promise.resolve(withDryRun(await context.req.text())) as never
    await next()
  }
}

function isJson(context: Context): boolean {
  return /^application\/([a-z.-]+\+)?json\b/i.test(context.req.header('content-type') ?? '')
}

function boundedJson(maxSize: number): MiddlewareHandler {
  return bodyLimit({
    maxSize,
    onError: () => problem({ status: 413, detail: `JSON body too large: expected at most ${maxSize} bytes` }),
  })
}

/** Serves an endpoint at a method and a path (`/machines/{id}`), and adds it to the OpenAPI document under the tag. */
export function register(
  app: OpenAPIHono,
  deps: AdminDeps,
  method: Method,
  path: string,
  tag: string,
  given: Endpoint,
): void {
  const spec = method === 'get' ? given : withQuerySchema(given)
  const hasDryRun = hasDryRunBody(spec)
  const route = routeOf(spec, method, path, tag)
  // The document describes a body that the endpoint reads itself, but the framework must not read it.
  if (spec.bodyIsBytes) app.openAPIRegistry.registerPath(route)
  const served = spec.bodyIsBytes ? { ...route, hide: true, request: { ...route.request, body: undefined } } : route
  const middleware = [
    checkRights(deps.db, spec),
    ...(spec.body === undefined
      ? []
      : [boundedJson(spec.maxBodyBytes ?? maxJsonBytes), checkedBody(spec.bodyOptional ?? false, hasDryRun)]),
  ]
  app.openapi(
    { ...served, middleware } as RouteConfig,
    (async (context: Context) => {
      const valid = (target: 'param' | 'query' | 'json') => context.req.valid(target as never) as unknown
      const principal = (context as Context<ApiEnv>).get('principal') as Principal | undefined
      const { actor: by = 'anonymous', scope } = principal ?? {}
      const precondition = spec.conditional ? preconditionOf(context) : {}
      // If there is no body, the framework parses nothing, and the defaults are missing.
      const noBody = hasDryRun && asksForDryRun(context) ? { dryRun: true } : {}
      const body = spec.bodyOptional ? spec.body?.parse(valid('json') ?? noBody) : valid('json')
      const input = { params: valid('param'), query: valid('query'), body, by, scope, precondition }
      const prepared = await spec.prepare?.(deps, input)
      const answer = async (db: Db) => {
        const given = await spec.answer({ ...deps, db }, { ...input, prepared }, context)
        return given instanceof Response ? withoutBodyFor(context, given) : responseOf(context, given)
      }
      const atOnce = !spec.bodyIsBytes && spec.returnsTypes === undefined
      return method === 'post' && atOnce ? onceForKey(context, deps, principal, input.body, answer) : answer(deps.db)
    }) as never,
  )
}

/** A stream that a HEAD asked for ends here: the framework drops the body, and nobody would end it. */
async function withoutBodyFor(context: Context, response: Response): Promise<Response> {
  if (context.req.method !== 'HEAD') return response
  await response.body?.cancel()
  return new Response(null, response)
}

function responseOf(context: Context, { status, body, headers }: Answer<unknown>): Response {
  if (body === undefined) return context.body(null, 204, headers)
  return typeof body === 'string'
    ? context.text(body, status as 200, headers)
    : context.json(body as object, status as 200, headers)
}
