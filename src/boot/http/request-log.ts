// A log line and a count for each request to the boot listener. Called by app.ts and file-app.ts.
import { parseMac } from '../../lib/ids/mac.ts'
import { parseUuid } from '../../lib/ids/uuid.ts'
import { pathForLog } from '../../lib/log.ts'
import type { BootDeps, FileDeps } from './deps.ts'
import { parseQuery } from './facts-query.ts'
import { addressOf, type BootContext, queryOf } from './request.ts'

/** Counts the request when its answer has ended or its client has disconnected, and logs it at level debug. */
export function watchRequest(
  context: BootContext,
  { log, metrics, sealer }: Pick<FileDeps, 'log' | 'metrics'> & { sealer?: Pick<BootDeps['sealer'], 'bootOf'> },
  labelOf: (path: string) => string,
): void {
  const startedAt = performance.now()
  const { incoming, outgoing } = context.env
  outgoing.once('close', () => {
    const ms = performance.now() - startedAt
    const { url = '', method } = incoming
    const status = outgoing.statusCode
    metrics.request('boot', labelOf(url), status, ms / 1000)
    if (!log.isLevelEnabled('debug')) return
    const { mac, boot } = idsOf(context, url, sealer?.bootOf)
    const path = pathForLog(url)
    const ended = outgoing.writableFinished
    log.debug(
      { listener: 'boot', ip: addressOf(context), method, path, status, ms: Math.round(ms), mac, boot, ended },
      'request',
    )
  })
}

/**
 * The label of a path in metrics: the first word of a path in the table of URLs. Labels must be few, so all other paths are `other`.
 */
export function createLabelOf(paths: string[]): (path: string) => string {
  const routes = new Set(paths.map(firstWordOf))
  return (path) => {
    const first = firstWordOf(path)
    return routes.has(first) ? `/${first}` : 'other'
  }
}

function firstWordOf(path: string): string {
  return /^\/([^/?]{0,32})/.exec(path)?.[1] ?? ''
}

/** The MAC in the query or the path, and the boot of a genuine token or of the query. */
function idsOf(
  context: BootContext,
  url: string,
  bootOf: (token: string) => string | undefined = () => undefined,
): { mac?: string | undefined; boot?: string | undefined } {
  const query = parseQuery(queryOf(context))
  const mac = parseMac(query.get('mac') ?? /^\/ipxe\/([^/?]{12,20})\.ipxe/.exec(url)?.[1] ?? '')
  const token = /^\/b\/([\w-]{43})\//.exec(url)?.[1]
  return { mac, boot: token === undefined ? parseUuid(query.get('boot') ?? '') : bootOf(token) }
}
