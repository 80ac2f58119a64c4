import type { Stage } from '../inventory/boot-events.ts'
import { sha256Pattern } from '../inventory/files.ts'
import { parseQuery } from './facts-query.ts'
import { addressOf, type BootContext, queryOf } from './request.ts'
import type { BootDeps } from './routes.ts'
import { sendBytes } from './send-bytes.ts'

const fileStages = new Set<string>(['kernel', 'initrd', 'file'] satisfies Stage[])

/** `/files/{sha256}/{name}?boot=…&stage=…`: an image's file, streamed; counted for its boot when the body has ended. */
export async function serveFile(c: BootContext, { store, events, log }: BootDeps): Promise<Response> {
  const sha256 = c.req.param('sha256') ?? ''
  const name = c.req.param('name') ?? ''
  const source = sha256Pattern.test(sha256) ? await store.open(sha256) : undefined
  if (source === undefined) return c.text(`There is no file ${sha256.slice(0, 64)}.\n`, 404)

  const query = parseQuery(queryOf(c))
  const bootId = bootIdOf(query.get('boot'))
  const stage = query.get('stage') ?? ''
  const ip = addressOf(c)
  const headers = {
    'Content-Type': contentTypeOf(name),
    // The URL names the bytes by their hash, so any cache may keep them for ever.
    'Cache-Control': 'public, max-age=31536000, immutable',
    ETag: `"${sha256}"`,
  }
  return sendBytes(c, source, headers, ({ bytes, complete, durationMs }) => {
    log.info({ ip, boot: bootId, file: name, bytes, ms: durationMs, complete }, 'file')
    if (bootId === undefined || !fileStages.has(stage)) return
    const message = complete ? undefined : `cut off after ${bytes} of ${source.sizeBytes} bytes`
    events.record({ bootId, ip, stage: stage as Stage, file: name, bytes, durationMs, message })
  })
}

/** `application/efi` is what UEFI HTTP Boot takes for a program (UEFI 2.10, 24.7.3.2). */
export function contentTypeOf(name: string): string {
  if (name.endsWith('.efi')) return 'application/efi'
  return name.endsWith('.iso') ? 'application/vnd.efi-iso' : 'application/octet-stream'
}

function bootIdOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : undefined
}
