// The rules of the boot and file listeners for all their clients. Called by app.ts and file-app.ts.
import type { Hono } from 'hono'
import { InputError, messageOf } from '../../lib/errors.ts'
import { pathForLog } from '../../lib/log.ts'
import { clientAddressOf } from '../../lib/net/client-address.ts'
import { proxyTest } from '../../lib/subnet.ts'
import type { FileDeps } from './deps.ts'
import { addressOf, type BootContext, type BootEnv, peerOf } from './request.ts'

/** Finds the address of each client, calls `watch`, and refuses addresses outside the boot subnets. */
export function admitClients(
  app: Hono<BootEnv>,
  deps: Pick<FileDeps, 'settings' | 'allows' | 'log'>,
  watch: (context: BootContext) => void,
): void {
  const isTrustedProxy = proxyTest(deps.settings.trustedProxies ?? [])
  app.use((context, next) => {
    const { incoming } = context.env
    incoming.clientAddress = clientAddressOf(peerOf(context), incoming.headers, isTrustedProxy)
    watch(context)
    if (deps.allows(addressOf(context))) return next()
    deps.log.warn(
      { ip: addressOf(context), path: pathForLog(context.req.path) },
      'refused: the address is outside the boot subnets',
    )
    return Promise.resolve(context.text('This address may not boot here.\n', 403))
  })
}

/** Answers unknown paths, and requests that failed. */
export function answerFaults(app: Hono<BootEnv>, deps: Pick<FileDeps, 'log'>, notFound: string): void {
  app.notFound((context) => context.text(notFound, 404))
  app.onError((error, context) => {
    if (error instanceof InputError) return context.text(`${error.message}\n`, 400)
    deps.log.error({ path: pathForLog(context.req.path), error: messageOf(error) }, 'boot request failed')
    // iPXE follows Retry-After (its httpcore.c), and installers' wget also retries.
    return context.text('The boot server cannot answer now. Try again later.\n', 503, { 'Retry-After': '5' })
  })
}
