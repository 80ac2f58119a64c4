// A log line and a count for each request to the boot listener. Called by app.ts.
import { parseMac } from '../../lib/ids/mac.ts'
import { parseUuid } from '../../lib/ids/uuid.ts'
import { pathForLog } from '../../lib/log.ts'
import { bootRoutes } from '../routes.ts'
import type { BootDeps } from './deps.ts'
import { parseQuery } from './facts-query.ts'
import { addressOf, type BootContext, queryOf } from './request.ts'

/** The first words of the paths of the boot listener. Labels of metrics must be few, so other paths are `other`. */
const routes = new Set(bootRoutes.map(({ path }) => firstWordOf(path)))

/** Counts the request when its answer has ended or its client has disconnected, and logs it at level debug. */
export function watchRequest(context: BootContext, { log, metrics, sealer }: BootDeps): void {
  const startedAt = performance.now()
  const { incoming, outgoing } = context.env
  outgoing.once('close', () => {
    const ms = performance.now() - startedAt
    const { url = '', method } = incoming
    const status = outgoing.statusCode
    metrics.request('boot', routeOf(url), status, ms / 1000)
    if (!log.isLevelEnabled('debug')) return
    const { mac, boot } = idsOf(context, url, sealer.bootOf)
    const path = pathForLog(url)
    const ended = outgoing.writableFinished
    log.debug(
      { listener: 'boot', ip: addressOf(context), method, path, status, ms: Math.round(ms), mac, boot, ended },
      'request',
    )
  })
}

function routeOf(url: string): string {
  const first = firstWordOf(url)
  return routes.has(first) ? `/${first}` : 'other'
}

function firstWordOf(path: string): string {
  return /^\/([^/?]{0,32})/.exec(path)?.[1] ?? ''
}

/** The MAC in the query or the path, and the boot of a genuine token or of the query. */
function idsOf(
  context: BootContext,
  url: string,
  bootOf: (token: string) => string | undefined,
): { mac?: string | undefined; boot?: string | undefined } {
  const query = parseQuery(queryOf(context))
  const mac = parseMac(query.get('mac') ?? /^\/ipxe\/([^/?]{12,20})\.ipxe/.exec(url)?.[1] ?? '')
  const token = /^\/b\/([\w-]{43})\//.exec(url)?.[1]
  return { mac, boot: token === undefined ? parseUuid(query.get('boot') ?? '') : bootOf(token) }
}
