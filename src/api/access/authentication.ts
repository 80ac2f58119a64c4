// The client of each request. The page authenticates people itself and passes the principal on.
import type { MiddlewareHandler } from 'hono'
import { findTokenPrincipal } from '../../auth/authenticate.ts'
import { operator } from '../../auth/principal.ts'
import type { AdminDeps, ApiEnv } from '../http/endpoint.ts'
import { addressOf, refused } from '../http/problems.ts'

/** Lets requests with a valid token through, and requests that the page or the admin socket authenticated. */
export function requirePrincipal(
  deps: Pick<AdminDeps, 'db' | 'log' | 'metrics' | 'trusted' | 'isTrustedProxy'>,
): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const header = context.req.header('authorization')
    const principal = deps.trusted ? operator : (context.env?.principal ?? (await findTokenPrincipal(deps.db, header)))
    if (principal !== undefined) {
      context.set('principal', principal)
      return next()
    }
    // RFC 6750, section 3.1: an error code only if the request had credentials.
    const challenge = `Bearer realm="bootwright"${header === undefined ? '' : ', error="invalid_token"'}`
    const detail =
      header === undefined
        ? 'expected the header Authorization: Bearer TOKEN'
        : 'the token is unknown, revoked or expired'
    return refused(deps, context, {
      status: 401,
      code: 'BW-ACCESS-TOKEN',
      detail,
      headers: { 'www-authenticate': challenge },
    })
  }
}

/** Lets requests with a valid token through, and requests from the subnets of the settings. */
export function requireScraper(
  deps: Pick<AdminDeps, 'db' | 'log' | 'metrics' | 'mayScrape' | 'trusted' | 'isTrustedProxy'>,
): MiddlewareHandler<ApiEnv> {
  const withPrincipal = requirePrincipal(deps)
  return (context, next) => {
    // A proxy hides the client: its own address proves nothing.
    const isForwarded = ['forwarded', 'x-forwarded-for'].some((name) => context.req.header(name) !== undefined)
    if (isForwarded || !deps.mayScrape(addressOf(context))) return withPrincipal(context, next)
    context.set('principal', { ...operator, role: 'viewer' })
    return next()
  }
}
