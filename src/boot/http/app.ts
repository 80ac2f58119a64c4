// The application of the boot listener: the client's address and its turn, then the table of URLs (../routes.ts).
import { Hono } from 'hono'
import { type BootRoute, bootRoutes } from '../routes.ts'
import { admitClients, answerFaults } from './clients.ts'
import type { BootDeps } from './deps.ts'
import { createFairTurns, type FairTurns } from './fair-turns.ts'
import { emptyPreseed } from './preseed.ts'
import { addressOf, type BootContext, type BootEnv } from './request.ts'
import { createLabelOf, watchRequest } from './request-log.ts'

/** Maximum number of parallel requests of an address. Downloads have other limits (bytes/send/admission.ts). */
const maxAtOncePerAddress = 16

const labelOf = createLabelOf(bootRoutes.map(({ path }) => path))

export function createBootApp(deps: BootDeps): Hono<BootEnv> {
  const app = new Hono<BootEnv>()
  admitClients(app, deps, (context) => watchRequest(context, deps, labelOf))
  for (const path of ['/boot.ipxe', '/boot.ipxe.0', '/autoexec.ipxe', '/nbp/*', '/ipxe/*']) app.use(path, emptyPreseed)
  const inTurn = createFairTurns(maxAtOncePerAddress)
  for (const route of bootRoutes) {
    const answer = (context: BootContext) => answerRoute(route, context, deps, inTurn)
    if (route.methods === 'any') app.all(route.path, answer)
    else app.on(route.methods, route.path, answer)
  }
  answerFaults(app, deps, 'Not found. Machines boot from /boot.ipxe.\n')
  return app
}

function answerRoute(
  { serve, turn = 'first', inertHead }: BootRoute,
  context: BootContext,
  deps: BootDeps,
  inTurn: FairTurns,
): Response | Promise<Response> {
  // Hono runs the handler of GET for HEAD.
  if (inertHead && context.req.method === 'HEAD') return context.body(null)
  if (turn !== 'first') return serve(context, deps, inTurn)
  return inTurn(addressOf(context), () => serve(context, deps, inTurn))
}
