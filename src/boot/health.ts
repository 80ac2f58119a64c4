// `/livez`, `/healthz` and `/readyz` of the boot listener, for load balancers and orchestrators. Called by routes.ts.
import { findHealth } from '../inventory/system/health.ts'
import { findReadiness } from '../inventory/system/readiness.ts'
import type { BootDeps } from './http/deps.ts'
import type { BootContext } from './http/request.ts'

export function serveLiveness(context: BootContext): Response {
  return context.text('ok\n')
}

/** The health as on the admin listener, without the reason: it contains paths of the server, which only operators may see. */
export async function serveHealth(context: BootContext, deps: BootDeps): Promise<Response> {
  const { reason: _, ...visible } = await findHealth(deps)
  return context.json(visible)
}

/** The readiness as on the admin listener, without the details, which contain paths of the server. */
export async function serveReadiness(context: BootContext, deps: BootDeps): Promise<Response> {
  const { code, readiness } = await findReadiness(deps)
  const degraded = readiness.degraded.map(({ reason, since }) => ({ reason, ...(since && { since }) }))
  return context.json({ ...readiness, degraded }, code)
}
