// The application of the boot listener: the client's address and its turn, then the table of URLs (../routes.ts).
import { Hono } from 'hono'
import { InputError, messageOf } from '../../lib/errors.ts'
import { pathForLog } from '../../lib/log.ts'
import { clientAddressOf } from '../../lib/net/client-address.ts'
import { proxyTest } from '../../lib/subnet.ts'
import { type BootRoute, bootRoutes } from '../routes.ts'
import type { BootDeps } from './deps.ts'
import { createFairTurns, type FairTurns } from './fair-turns.ts'
import { emptyPreseed } from './preseed.ts'
import { addressOf, type BootContext, type BootEnv, peerOf } from './request.ts'
import { watchRequest } from './request-log.ts'

/** Maximum number of parallel requests of an address. Downloads have other limits (bytes/send/admission.ts). */
const maxAtOncePerAddress = 16

export function createBootApp(deps: BootDeps): Hono<BootEnv> {
  const { settings } = deps
  const app = new Hono<BootEnv>()
  const isTrustedProxy = proxyTest(settings.trustedProxies ?? [])
  app.use((context, next) => {
    const { incoming } = context.env
    incoming.clientAddress = clientAddressOf(peerOf(context), incoming.headers, isTrustedProxy)
    watchRequest(context, deps)
    return next()
  })
  app.use(async (context, next) => {
    if (deps.allows(addressOf(context))) return next()
    deps.log.warn(
      { ip: addressOf(context), path: pathForLog(context.req.path) },
      'refused: the address is outside the boot subnets',
    )
    return context.text('This address may not boot here.\n', 403)
  })
  for (const path of ['/boot.ipxe', '/boot.ipxe.0', '/autoexec.ipxe', '/nbp/*', '/ipxe', '/ipxe/*'])
    app.use(path, emptyPreseed)
  const inTurn = createFairTurns(maxAtOncePerAddress)
  for (const route of bootRoutes) {
    const answer = (context: BootContext) => answerRoute(route, context, deps, inTurn)
    if (route.methods === 'any') app.all(route.path, answer)
    else app.on(route.methods, route.path, answer)
  }
  app.notFound((context) => context.text('Not found. Machines boot from /boot.ipxe.\n', 404))
  app.onError((error, context) => {
    if (error instanceof InputError) return context.text(`${error.message}\n`, 400)
    deps.log.error({ path: pathForLog(context.req.path), error: messageOf(error) }, 'boot request failed')
    // iPXE follows Retry-After (its httpcore.c), and installers' wget also retries.
    return context.text('The boot server cannot answer now. Try again later.\n', 503, { 'Retry-After': '5' })
  })
  return app
}

async function answerRoute(
  { serve, turn = 'first', inertHead }: BootRoute,
  context: BootContext,
  deps: BootDeps,
  inTurn: FairTurns,
): Promise<Response> {
  // Hono runs the handler of GET for HEAD.
  if (inertHead && context.req.method === 'HEAD') return context.body(null)
  if (turn !== 'first') return serve(context, deps, inTurn)
  return inTurn(addressOf(context), async () => serve(context, deps, inTurn))
}
