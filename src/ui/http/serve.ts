// How a page is served: the session, the rights, the form, the frame, and the errors.
import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import { findSessionPrincipal } from '../../auth/authenticate.ts'
import { isRead, mayUseSession } from '../../auth/hosts.ts'
import { type Action, may, roleFor } from '../../auth/may.ts'
import type { OidcClient } from '../../auth/oidc-client.ts'
import type { Principal } from '../../auth/principal.ts'
import type { SignInDeps } from '../../auth/sign-in-deps.ts'
import { messageOf, stackOf } from '../../lib/errors.ts'
import { type Logger, pathForLog } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { clientAddressOf } from '../../lib/net/client-address.ts'
import { isOutage } from '../../lib/outage.ts'
import { plainAddress } from '../../lib/subnet.ts'
import { createApiClient, type Fetch, RefusedError } from './client.ts'
import { readForm } from './form.ts'
import { type LayoutDeps, renderPage, renderPart } from './layout.ts'
import { pathOfReferer } from './local-path.ts'
import { type CookieSettings, readSession, readUtcOffset, setNotice, takeNotice } from './session.ts'
import type { Page, PageHandler, Redirect } from './visit.ts'

/** The parts of the server that pages use. */
export type UiDeps = LayoutDeps & {
  /** The API in this process. */
  fetch: Fetch
  signIn: SignInDeps
  cookies: CookieSettings
  /** The OpenID provider of the settings. */
  oidc: OidcClient | undefined
  /** The URL of the page in the settings. */
  adminUrl: string | undefined
  isTrustedProxy: (address: string) => boolean
  log: Logger
  metrics: Metrics
}

const maxFormBytes = 2 ** 20

/** Serves a page to signed-in people who may do its action. */
export function servePage(deps: UiDeps, action: Action, handler: PageHandler) {
  return async (context: Context): Promise<Response> => {
    let principal: Principal | undefined
    try {
      principal = await findPrincipal(deps, context)
      if (principal === undefined) return askForSignIn(context)
      const { role } = principal
      refuseOtherSites(deps, context)
      if (!may(principal.role, action)) throw forbidden(deps, context, principal, action)
      const url = urlOf(context)
      const answer = await handler({
        ...{ principal, url, signal: context.req.raw.signal },
        api: createApiClient(deps.fetch, principal),
        may: (other) => may(role, other),
        params: context.req.param(),
        utcOffset: readUtcOffset(context),
        query: readForm(new URL(context.req.url).searchParams),
        form: readForm(await readFields(context)),
        render: (view, data) => renderPart(deps, view, data, { origin: originOf(deps, context), principal }),
      })
      return respond(deps, context, answer, principal)
    } catch (error) {
      return respond(deps, context, errorPage(deps, context, error), principal)
    }
  }
}

/** Sends what a page answered. */
export function respond(
  deps: UiDeps,
  context: Context,
  answer: (Page | ErrorPage) | Redirect | Response,
  principal: Principal | undefined,
): Response {
  // After the sign-out on a shared computer, Back must not show what the last person saw (RFC 9111, section 5.2.2.5).
  if (principal !== undefined) context.header('cache-control', 'no-store')
  if (answer instanceof Response) return answer
  if ('redirect' in answer) {
    if (answer.notice !== undefined) setNotice(context, answer.notice)
    // 303: the browser follows with GET (RFC 9110, 15.4.4).
    return context.redirect(answer.redirect, 303)
  }
  const frame = { path: context.req.path, origin: originOf(deps, context), principal, notice: takeNotice(context) }
  return context.html(renderPage(deps, answer as Page, frame), (answer.status ?? 200) as 200)
}

/** The principal of the session; undefined if the browser is not signed in. */
export function findPrincipal(deps: UiDeps, context: Context): Promise<Principal | undefined> {
  return findSessionPrincipal(deps.signIn, readSession(context, deps.cookies))
}

/** Throws for a form that another web site sent. */
export function refuseOtherSites(deps: UiDeps, context: Context): void {
  if (mayUseSession(context.req.method, (name) => context.req.header(name))) return
  const code = 'BW-ACCESS-ORIGIN'
  logRefusal(deps, context, code, undefined)
  throw new RefusedError('this form was not sent by a page of this server: open the page, and try again', 403, code, [])
}

/** The fields of a form. @throws RefusedError for another type, or for too many bytes */
export async function readFields(context: Context): Promise<URLSearchParams> {
  if (isRead(context.req.method)) return new URLSearchParams()
  const type = context.req.header('content-type') ?? ''
  if (Number(context.req.header('content-length') ?? maxFormBytes + 1) > maxFormBytes)
    throw new RefusedError(`the form is too large: expected at most ${maxFormBytes} bytes`, 413, undefined, [])
  if (!type.startsWith('application/x-www-form-urlencoded'))
    throw new RefusedError('expected the fields of a form', 415, undefined, [])
  return new URLSearchParams(await context.req.text())
}

/** The address of the browser, also behind a proxy of the settings. */
export function addressOf({ isTrustedProxy }: Pick<UiDeps, 'isTrustedProxy'>, context: Context): string {
  const { incoming } = (context.env ?? {}) as { incoming?: IncomingMessage }
  return clientAddressOf(plainAddress(incoming?.socket?.remoteAddress), incoming?.headers ?? {}, isTrustedProxy)
}

/** The path with its query. */
function urlOf(context: Context): string {
  const { pathname, search } = new URL(context.req.url)
  return `${pathname}${search}`
}

function originOf({ adminUrl }: UiDeps, context: Context): string {
  return adminUrl ?? `http://${context.req.header('host') ?? 'localhost'}`
}

function askForSignIn(context: Context): Response {
  const next = context.req.method === 'GET' ? urlOf(context) : '/'
  // htmx follows redirects and would put the sign-in page into the part of a page that it updates.
  if (context.req.header('hx-request') !== undefined)
    return context.body(null, 401, { 'hx-redirect': `/sign-in?next=${encodeURIComponent(next)}` })
  return context.redirect(`/sign-in?next=${encodeURIComponent(next)}`, 303)
}

function forbidden(deps: UiDeps, context: Context, { role, actor }: Principal, action: Action): RefusedError {
  const code = 'BW-ACCESS-ROLE'
  logRefusal(deps, context, code, actor)
  const needed = roleFor(action)
  return new RefusedError(
    `This needs the role ${needed} or higher, and you have the role ${role}. Next step: ask an admin for the role ${needed}.`,
    403,
    code,
    [],
  )
}

function logRefusal(deps: UiDeps, context: Context, code: string, actor: string | undefined): void {
  const { method, path } = context.req
  const ip = addressOf(deps, context)
  deps.log.warn({ code, method, path: pathForLog(path), ip, actor }, 'request refused')
  deps.metrics.adminRefused(code)
}

type ErrorPage = Omit<Page, 'status'> & { status: number }

const headings: Record<number, string> = {
  403: 'Not permitted',
  404: 'Not found',
  409: 'Conflict',
  412: 'Changed by somebody else',
  413: 'Too large',
  422: 'Not accepted',
  503: 'The database is unreachable',
}

const databaseAway = new RefusedError('the Bootwright database is unreachable', 503, undefined, [])

/** An error as a page with its next step. */
export function errorPage({ log }: UiDeps, context: Context, error: unknown): ErrorPage {
  const refused = isOutage(error) ? databaseAway : error instanceof RefusedError ? error : undefined
  const { method, path } = context.req
  if (refused === undefined)
    log.error({ method, path: pathForLog(path), error: messageOf(error), stack: stackOf(error) }, 'page failed')
  const status = refused?.status ?? 500
  if (status === 503) context.header('retry-after', '5')
  const message =
    refused?.status === 503
      ? `${refused.message}. Machines continue to boot. Try again in a few seconds.`
      : (refused?.message ?? 'This page failed. The log of the server has the reason.')
  const heading = headings[status] ?? 'Something went wrong'
  const back = pathOfReferer(context.req.header('referer'))
  return { view: 'error', title: heading, status, data: { heading, message, code: refused?.code, faults: [], back } }
}
