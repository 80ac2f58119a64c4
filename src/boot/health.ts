// `/livez` and `/healthz` of the boot listener, for load balancers and orchestrators.
import { findHealth } from '../inventory/system/health.ts'
import type { BootDeps } from './http/deps.ts'
import type { BootContext } from './http/request.ts'

export function serveLiveness(context: BootContext): Response {
  return context.text('ok\n')
}

/** The health as on the admin listener, without the reason: it contains paths of the server, which only operators may see. */
export async function serveHealth(context: BootContext, deps: BootDeps): Promise<Response> {
  const { code, health } = await findHealth(deps)
  const { reason: _, ...visible } = health
  return context.json(visible, code)
}
