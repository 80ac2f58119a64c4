// The cookies of the page: the session of a person, and the sentence that the next page shows.
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { parse } from 'hono/utils/cookie'
import { findSessionPrincipal } from '../../auth/authenticate.ts'
import type { Principal } from '../../auth/principal.ts'
import type { SignInDeps } from '../../auth/sign-in-deps.ts'

/** How the browser reaches this server. `__Host-` cookies need HTTPS or a loopback address. */
export type CookieSettings = { plainHttp: boolean }

const noticeName = 'bootwright-notice'
const maxNoticeLength = 500

/** With the prefix `__Host-`, no other host or path can set the cookie (RFC 6265bis, section 4.1.3). */
export function sessionCookieName({ plainHttp }: CookieSettings): string {
  return plainHttp ? 'bootwright-session' : '__Host-bootwright-session'
}

export function readSession(context: Context, settings: CookieSettings): string | undefined {
  return getCookie(context, sessionCookieName(settings))
}

/** Finds the person of a Cookie header. */
export function findPersonBy(signIn: SignInDeps, settings: CookieSettings) {
  const name = sessionCookieName(settings)
  return (cookies: string): Promise<Principal | undefined> => findSessionPrincipal(signIn, parse(cookies, name)[name])
}

export function setSession(context: Context, settings: CookieSettings, secret: string, expiresAt: Date): void {
  setCookie(context, sessionCookieName(settings), secret, { ...options(settings), expires: expiresAt })
}

export function clearSession(context: Context, settings: CookieSettings): void {
  deleteCookie(context, sessionCookieName(settings), options(settings))
}

/** Keeps a sentence for the next page. */
export function setNotice(context: Context, notice: string): void {
  // By characters: half of one cannot be encoded.
  const text = [...notice].slice(0, maxNoticeLength).join('')
  setCookie(context, noticeName, text, { path: '/', httpOnly: true, sameSite: 'Lax', maxAge: 60 })
}

/** The sentence for this page, which is shown once. */
export function takeNotice(context: Context): string | undefined {
  const notice = getCookie(context, noticeName)
  if (notice !== undefined) deleteCookie(context, noticeName, { path: '/' })
  // Another server on this host can set the cookie, because it has no `__Host-` prefix.
  return notice?.slice(0, maxNoticeLength)
}

const offsetName = 'bootwright-utc-offset'

/** The time zone of the browser, which a script keeps: minutes east of UTC, a multiple of 15; 0 without it. */
export function readUtcOffset(context: Context): number {
  const text = getCookie(context, offsetName) ?? ''
  const minutes = /^-?\d{1,3}$/.test(text) ? Number(text) : 0
  return minutes % 15 === 0 && minutes >= -720 && minutes <= 840 ? minutes : 0
}

/** Keeps a sign-in at an OpenID provider until the provider sends the browser back. `next` is the page after it. */
export function setPendingSignIn(context: Context, settings: CookieSettings, sealed: string, next: string): void {
  const value = new URLSearchParams({ sealed, next }).toString()
  // Lax: browsers then send the cookie with the provider's redirect.
  setCookie(context, pendingName(settings), value, { ...options(settings), maxAge: 600 })
}

/** The pending sign-in, which is used once. */
export function takePendingSignIn(context: Context, settings: CookieSettings) {
  const name = pendingName(settings)
  const fields = new URLSearchParams(getCookie(context, name) ?? '')
  deleteCookie(context, name, options(settings))
  return { sealed: fields.get('sealed') ?? undefined, next: fields.get('next') ?? undefined }
}

function pendingName({ plainHttp }: CookieSettings): string {
  return plainHttp ? 'bootwright-oidc' : '__Host-bootwright-oidc'
}

function options({ plainHttp }: CookieSettings) {
  return { path: '/', httpOnly: true, secure: !plainHttp, sameSite: 'Lax' as const }
}
