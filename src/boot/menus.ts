// `/b/{token}/menu/{entry}`: iPXE fetches this URL when a person chooses an entry of a menu. Called by routes.ts.
import { namePattern } from '../lib/ids/names.ts'
import type { BootDeps } from './http/deps.ts'
import { type BootContext, readRequest } from './http/request.ts'
import { faultScript, scriptFor } from './script.ts'

/** The script of an entry, for the machine whose boot showed the menu. The entry opens a new boot. */
export async function serveChoice(context: BootContext, deps: BootDeps): Promise<Response> {
  const request = { ...readRequest(context, deps.settings), boots: true }
  const token = context.req.param('token') ?? ''
  const entry = context.req.param('entry') ?? ''
  context.header('Cache-Control', 'no-store')
  try {
    const id = deps.sealer.bootOf(token)
    const menuBoot = id === undefined ? undefined : await deps.inventory.findTokenBoot(id)
    const spec = menuBoot?.decision.spec
    if (menuBoot !== undefined && spec?.kind === 'menu' && !menuBoot.overtaken && namePattern.test(entry))
      return context.text(await scriptFor(deps, request, menuBoot.facts, { menu: spec.menu, entry }))
    deps.log.warn({ ip: request.ip, entry: entry.slice(0, 64), boot: menuBoot?.id }, 'menu choice refused')
    return context.text('No menu here, or the link has expired.\n', 404)
  } catch (error) {
    // After an HTTP error iPXE may halt. A script can retry.
    return context.text(faultScript(deps, request, {}, error))
  }
}
