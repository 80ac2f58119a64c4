// Serves boot programs over HTTP. Called by routes.ts.
import { sendFile } from '../bytes/send/send-file.ts'
import { contentTypeOf } from './files.ts'
import type { BootDeps } from './http/deps.ts'
import { addressOf, type BootContext } from './http/request.ts'

/** `/nbp/{name}`: a boot program for UEFI HTTP Boot, which sends HEAD before GET. */
export async function serveNbp(context: BootContext, { nbps, transfers, inventory, log }: BootDeps): Promise<Response> {
  const name = context.req.param('name') ?? ''
  const nbp = nbps.get(name)
  if (nbp === undefined) return context.text('No such boot program.\n', 404)
  const source = {
    sizeBytes: nbp.bytes.length,
    read: async (buffer: Buffer, position: number) => {
      buffer.set(nbp.bytes.subarray(position, position + buffer.length))
      return Math.min(buffer.length, nbp.bytes.length - position)
    },
    close: async () => {},
  }
  const ip = addressOf(context)
  // Not immutable: after an update of iPXE, the same name is a new program.
  const headers = { 'Content-Type': contentTypeOf(name), 'Cache-Control': 'no-cache', ETag: `"${nbp.sha256}"` }
  return sendFile(
    { ...context.env, address: ip, name },
    transfers,
    source,
    headers,
    ({ bytes, complete, durationMs }) => {
      log.info({ ip, file: name, bytes, ms: durationMs, complete }, 'boot program over HTTP')
      if (complete) inventory.events.record({ ip, stage: 'nbp', file: name, bytes, durationMs })
    },
  )
}
