// `/livez` and `/healthz` of the boot listener, for load balancers and orchestrators.
import { findHealth } from '../inventory/system/health.ts'
import type { BootDeps } from './http/deps.ts'
import type { BootContext } from './http/request.ts'

export function serveLiveness(context: BootContext): Response {
  return context.text('ok\n')
}

/** As on the admin listener, but for the reason: it names folders of the server, which are for operators. */
export async function serveHealth(context: BootContext, deps: BootDeps): Promise<Response> {
  const { code, health } = await findHealth(deps)
  const { reason: _, ...visible } = health
  return context.json(visible, code)
}
