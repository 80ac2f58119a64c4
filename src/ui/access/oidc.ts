// /sign-in/oidc and its callback: the sign-in at an OpenID provider.
import type { Context } from 'hono'
import { finishOidc, startOidc } from '../../auth/oidc.ts'
import type { SignInRefusal } from '../../auth/sign-in-deps.ts'
import { RefusedError } from '../http/client.ts'
import { localPath } from '../http/local-path.ts'
import { respond, type UiDeps } from '../http/serve.ts'
import { setPendingSignIn, takePendingSignIn } from '../http/session.ts'
import { browserOf, enter, formPage } from './sign-in.ts'

type Handler = (deps: UiDeps, context: Context) => Promise<Response>

/** A cookie holds at most 4096 bytes (RFC 6265, 6.1), most of them for the sealed sign-in. */
const maxNextLength = 1000

export const startOidcSignIn: Handler = async (deps, context) => {
  const next = localPath(context.req.query('next'))
  const started = await startOidc(clientOf(deps), deps.signIn, browserOf(deps, context))
  if ('refusal' in started) return refuse(deps, context, started.refusal, next)
  setPendingSignIn(context, deps.cookies, started.cookieValue, next.length > maxNextLength ? '/' : next)
  return context.redirect(started.url, 303)
}

export const finishOidcSignIn: Handler = async (deps, context) => {
  const client = clientOf(deps)
  const { sealed, next: path } = takePendingSignIn(context, deps.cookies)
  const next = localPath(path)
  const given = { callbackUrl: context.req.url, cookieValue: sealed, ...browserOf(deps, context) }
  const result = await finishOidc(client, deps.signIn, given)
  if ('refusal' in result) return refuse(deps, context, result.refusal, next)
  return enter(deps, context, result, next)
}

/** The form for a local password stays, whatever the provider does. */
function refuse(deps: UiDeps, context: Context, { code, message, retryAfterSeconds }: SignInRefusal, next: string) {
  if (retryAfterSeconds !== undefined) context.header('retry-after', String(retryAfterSeconds))
  const page = formPage(deps, context, { next, refusal: message })
  return respond(deps, context, { ...page, data: { ...page.data, code }, status: 422 }, undefined)
}

function clientOf({ oidc }: UiDeps) {
  if (oidc === undefined)
    throw new RefusedError('no OpenID provider is set. Next step: sign in with a password', 404, undefined, [])
  return oidc
}
