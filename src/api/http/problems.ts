// Errors as RFC 9457 problems.
import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http'
import type { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { PreconditionError } from '../../inventory/common/precondition.ts'
import { AmbiguousError } from '../../inventory/machines/names.ts'
import {
  ConflictError,
  DiskFullError,
  type FieldFault,
  ForbiddenError,
  findCause,
  InputError,
  messageOf,
  NotFoundError,
  short,
  stackOf,
} from '../../lib/errors.ts'
import { BusyError } from '../../lib/gate.ts'
import { pathForLog } from '../../lib/log.ts'
import { clientAddressOf } from '../../lib/net/client-address.ts'
import { isOutage } from '../../lib/outage.ts'
import { schemaFaults } from '../../lib/schema-faults.ts'
import { plainAddress } from '../../lib/subnet.ts'
import { incomingOf } from './bodies.ts'
import type { AdminDeps, ApiEnv } from './endpoint.ts'

export type Problem = {
  status: number
  detail: string
  code?: string
  errors?: FieldFault[]
  headers?: Record<string, string>
}

/** The answer to requests that need the database while it is unreachable. */
export const databaseUnreachable: Problem = {
  status: 503,
  detail: 'the Bootwright database is unreachable',
  headers: { 'retry-after': '5' },
}

/** A problem as a response. */
export function problem({ status, detail, code, errors, headers }: Problem): Response {
  // Node 20 has the titles of RFC 4918; these are the titles of RFC 9110, 15.5.21 and 15.5.14.
  const title = { 413: 'Content Too Large', 422: 'Unprocessable Content' }[status] ?? STATUS_CODES[status] ?? 'Error'
  const body = { type: 'about:blank', title, status, detail, ...(code && { code }), ...(errors && { errors }) }
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  })
}

/** Translates errors into problems. Unexpected errors are logged; clients do not see their details. */
export function problemTranslator(deps: Pick<AdminDeps, 'log' | 'metrics' | 'databaseAnswers' | 'isTrustedProxy'>) {
  const { log, databaseAnswers } = deps
  return async (error: unknown, context: Context): Promise<Response> => {
    if (error instanceof InputError) return problem(faultsProblem(error.faults))
    if (error instanceof NotFoundError) return problem({ status: 404, detail: error.message })
    if (error instanceof ForbiddenError)
      return refused(deps, context, { status: 403, code: error.code, detail: error.message })
    if (error instanceof AmbiguousError && (context as Context<ApiEnv>).get('principal')?.scope !== undefined)
      return problem({ status: 409, detail: error.brief })
    if (error instanceof ConflictError) return problem({ status: 409, detail: error.message })
    if (error instanceof PreconditionError) return problem({ status: 412, detail: error.message })
    if (error instanceof BusyError)
      return problem({ status: 503, detail: error.message, headers: { 'retry-after': '5' } })
    if (error instanceof HTTPException) return problem({ status: error.status, detail: detailOf(error) })
    const full = findCause(error, DiskFullError)
    if (full !== undefined || (error as { code?: unknown } | undefined)?.code === 'ENOSPC') {
      log.error({ error: messageOf(full ?? error) }, 'the disk is full')
      return problem({ status: 507, detail: full?.message ?? 'the disk of the server is full' })
    }
    const { method, path } = context.req
    const away = isOutage(error) || !(await databaseAnswers().catch(() => false))
    log.error({ method, path, error: messageOf(error), ...(!away && { stack: stackOf(error) }) }, 'API request failed')
    if (!away) return problem({ status: 500, detail: 'internal error; the log of the server has the reason' })
    return problem(databaseUnreachable)
  }
}

/** A refusal of who asks: logged with its code, and counted. */
export function refused(
  { log, metrics, isTrustedProxy }: Pick<AdminDeps, 'log' | 'metrics' | 'isTrustedProxy'>,
  context: Context,
  { code, ...refusal }: Problem & { code: string },
): Response {
  const { method, path } = context.req
  const actor = (context as Context<ApiEnv>).get('principal')?.actor
  const ip = clientAddressOf(addressOf(context), headersOf(context), isTrustedProxy)
  log.warn({ code, method, path: pathForLog(path), ip, actor, status: refusal.status }, 'request refused')
  metrics.adminRefused(code)
  return problem({ code, ...refusal })
}

/** The address at the other end of the connection; empty on a Unix socket. */
export function addressOf(context: Context): string {
  return plainAddress(incomingOf(context)?.socket?.remoteAddress)
}

function headersOf(context: Context): IncomingHttpHeaders {
  return incomingOf(context)?.headers ?? {}
}

/** Endpoints whose input is secret, also in a field that the schema does not know. */
const secretPaths = /\/(me\/password|secrets\/[^/]+)$/

/** The answer to input that its schema refuses. The validators of endpoints call this with their result. */
export function refuseInvalid(
  result: { success: boolean; data?: unknown; error?: z.ZodError },
  context: Context,
): Response | undefined {
  if (result.success || result.error === undefined) return undefined
  const faults = result.error.issues.flatMap((issue) => faultsOf(issue, result.data))
  const isSecret = secretPaths.test(context.req.path)
  return problem(faultsProblem(isSecret ? faults.map((fault) => ({ ...fault, value: '***' })) : faults))
}

function faultsProblem(faults: FieldFault[]): Problem {
  return {
    status: 422,
    detail: new InputError(faults).message,
    errors: faults.map((fault) => ({ ...fault, value: short(fault.value) })),
  }
}

/** The field faults for an issue that a schema found in `data`. */
export function faultsOf(issue: z.core.$ZodIssue, data: unknown): FieldFault[] {
  return schemaFaults(issue, data).map((fault) => ({
    ...fault,
    field: fault.field || 'body',
    value: fault.value === undefined ? 'nothing' : short(fault.value),
  }))
}

function detailOf(error: HTTPException): string {
  // The framework does not name the expected Content-Type; our own refusals do.
  return error.status === 415 && error.message === 'Unsupported Media Type'
    ? 'Content-Type: expected application/json'
    : error.message || (STATUS_CODES[error.status] ?? 'Error')
}
