// /sign-in, /sign-out and /welcome: how a browser gets and loses its session.
import type { Context } from 'hono'
import { endSession } from '../../auth/authenticate.ts'
import { describeLink, useLink } from '../../auth/links.ts'
import { signInWithPassword } from '../../auth/sign-in.ts'
import type { SignInResult } from '../../auth/sign-in-deps.ts'
import { InputError } from '../../lib/errors.ts'
import { localPath } from '../http/local-path.ts'
import { addressOf, findPrincipal, readFields, refuseOtherSites, respond, type UiDeps } from '../http/serve.ts'
import { clearSession, setSession } from '../http/session.ts'

type Handler = (deps: UiDeps, context: Context) => Promise<Response>

export const signInPage: Handler = async (deps, context) => {
  const next = localPath(context.req.query('next'))
  if ((await findPrincipal(deps, context)) !== undefined) return context.redirect(next, 303)
  return respond(deps, context, formPage(deps, context, { next }), undefined)
}

export const signIn: Handler = async (deps, context) => {
  refuseOtherSites(deps, context)
  const fields = await readFields(context)
  const [name, next] = [fields.get('name') ?? '', localPath(fields.get('next'))]
  const given = { name, password: fields.get('password') ?? '', ...browserOf(deps, context) }
  const result = await signInWithPassword(deps.signIn, given)
  if ('refusal' in result) {
    const { message, retryAfterSeconds } = result.refusal
    if (retryAfterSeconds !== undefined) context.header('retry-after', String(retryAfterSeconds))
    return respond(
      deps,
      context,
      { ...formPage(deps, context, { next, name, refusal: message }), status: 422 },
      undefined,
    )
  }
  return enter(deps, context, result, next)
}

export const signOut: Handler = async (deps, context) => {
  refuseOtherSites(deps, context)
  const principal = await findPrincipal(deps, context)
  if (principal !== undefined) await endSession(deps.signIn, principal)
  clearSession(context, deps.cookies)
  return respond(deps, context, { redirect: '/sign-in', notice: 'Signed out.' }, undefined)
}

export const welcomePage: Handler = async (deps, context) => welcome(deps, context, {})

export const acceptWelcome: Handler = async (deps, context) => {
  refuseOtherSites(deps, context)
  const fields = await readFields(context)
  const name = fields.get('name')?.trim() || undefined
  const given = { name, password: fields.get('password') ?? '', ...browserOf(deps, context) }
  try {
    const isFirst = (await describeLink(deps.signIn, secretOf(context)))?.person === undefined
    const result = await useLink(deps.signIn, secretOf(context), given)
    if ('refusal' in result) return welcome(deps, context, { name, refusal: result.refusal.message })
    // The first person has a server to set up. Later people come to one that runs.
    return enter(deps, context, result, isFirst ? '/setup' : '/')
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return welcome(deps, context, { name, refusal: error.message })
  }
}

async function welcome(
  deps: UiDeps,
  context: Context,
  { name, refusal }: { name?: string | undefined; refusal?: string },
): Promise<Response> {
  const link = await describeLink(deps.signIn, secretOf(context))
  const isVoid = link === undefined
  const data = { isVoid, first: link?.person === undefined, person: link?.person?.name, name: name ?? '', refusal }
  const status = isVoid ? (404 as const) : refusal === undefined ? (200 as const) : (422 as const)
  return respond(deps, context, { view: 'access/welcome', title: 'Welcome', data, status }, undefined)
}

/** Gives the browser its session, and leads it to the page that it asked for. */
export function enter(
  deps: UiDeps,
  context: Context,
  result: Extract<SignInResult, { session: unknown }>,
  next: string,
) {
  const { secret, expiresAt } = result.session
  setSession(context, deps.cookies, secret, expiresAt)
  return respond(deps, context, { redirect: next }, undefined)
}

/** The page with the form for a password, and with the button of the OpenID provider. */
export function formPage(deps: UiDeps, context: Context, given: { next: string; name?: string; refusal?: string }) {
  const data = {
    name: '',
    refusal: undefined,
    oidc: oidcButton(deps, given.next),
    ...given,
    unencrypted: unencrypted(deps, context),
  }
  return { view: 'access/sign-in', title: 'Sign in', data }
}

/** The provider compares the whole URL of the callback, so its sign-in begins at the host of the settings. */
function oidcButton({ oidc }: UiDeps, next: string): { label: string; url: string } | undefined {
  if (oidc === undefined) return undefined
  const url = new URL('/sign-in/oidc', oidc.redirectUri)
  url.searchParams.set('next', next)
  return { label: oidc.settings.label, url: url.href }
}

/** The host, if the browser would not keep the session: plain HTTP from another computer. */
function unencrypted({ adminUrl, cookies }: UiDeps, context: Context): { host: string; port: string } | undefined {
  if (cookies.plainHttp || adminUrl?.startsWith('https:')) return undefined
  const { hostname, port } = new URL(`http://${context.req.header('host') ?? 'localhost'}`)
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  return isLoopback ? undefined : { host: hostname, port: port || '80' }
}

function secretOf(context: Context): string {
  return context.req.param('secret') ?? ''
}

export function browserOf(deps: UiDeps, context: Context) {
  return { address: addressOf(deps, context), userAgent: (context.req.header('user-agent') ?? '').slice(0, 256) }
}
