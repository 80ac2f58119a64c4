// Boot programs over HTTP. Called by routes.ts.
import { sendFile } from '../bytes/send/send-file.ts'
import { contentTypeOf } from './files.ts'
import type { BootDeps } from './http/deps.ts'
import { addressOf, type BootContext } from './http/request.ts'

/** `/nbp/{name}`: a boot program for UEFI HTTP Boot, which asks with HEAD before GET. */
export async function serveNbp(context: BootContext, { nbps, transfers, inventory, log }: BootDeps): Promise<Response> {
  const name = context.req.param('name') ?? ''
  const nbp = nbps.get(name)
  if (nbp === undefined) return context.text('There is no such boot program.\n', 404)
  const source = {
    sizeBytes: nbp.bytes.length,
    read: async (buffer: Buffer, position: number) => {
      buffer.set(nbp.bytes.subarray(position, position + buffer.length))
      return Math.min(buffer.length, nbp.bytes.length - position)
    },
    close: async () => {},
  }
  const ip = addressOf(context)
  // Not immutable: the same name is another program after an update of iPXE.
  const headers = { 'Content-Type': contentTypeOf(name), 'Cache-Control': 'no-cache', ETag: `"${nbp.sha256}"` }
  return sendFile({ ...context.env, address: ip }, transfers, source, headers, ({ bytes, complete, durationMs }) => {
    log.info({ ip, file: name, bytes, ms: durationMs, complete }, 'nbp over HTTP')
    if (complete) inventory.events.record({ ip, stage: 'nbp', file: name, bytes, durationMs })
  })
}
