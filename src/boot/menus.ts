import { findTokenBoot, type TokenBoot } from '../inventory/boots/answer-access.ts'
import { namePattern } from '../lib/ids/names.ts'
import { addressOf, type BootContext, baseUrlOf, isToken } from './http/request.ts'
import type { BootDeps } from './routes.ts'
import { bootScript, scriptOrFault } from './script.ts'

/**
 * `/b/{token}/menu/{entry}`: an entry taken from the menu that the token's boot showed. It opens a boot of its own, for the
 * machine that was shown the menu.
 */
export async function serveChoice(c: BootContext, deps: BootDeps): Promise<Response> {
  const token = c.req.param('token') ?? ''
  const entry = c.req.param('entry') ?? ''
  const base = baseUrlOf(c, deps.settings.baseUrl)
  c.header('Cache-Control', 'no-store')
  let shown: TokenBoot | undefined
  try {
    shown = isToken(token) ? await findTokenBoot(deps.db, token) : undefined
  } catch (error) {
    // To iPXE an error is a failed boot, after which it may halt; a script asks again.
    const fail = () => Promise.reject(error)
    return c.text(await scriptOrFault(c, deps, base, () => ({}), fail))
  }
  const spec = shown?.decision.spec
  if (shown === undefined || spec?.kind !== 'menu' || shown.overtaken || !namePattern.test(entry)) {
    deps.log.warn({ ip: addressOf(c), entry: entry.slice(0, 64), boot: shown?.id }, 'menu choice refused')
    return c.text('This address opens no menu, or not any more.\n', 404)
  }
  const ip = addressOf(c)
  const facts = { ...shown.facts, ip }
  const make = () => bootScript(deps, facts, base, ip, { menu: spec.menu, entry })
  return c.text(await scriptOrFault(c, deps, base, () => facts, make))
}
