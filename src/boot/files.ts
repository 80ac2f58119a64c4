// Serves stored files to iPXE and installers. Called by routes.ts, trees.ts and http/file-app.ts.
import type { Download, Sent } from '../bytes/send/downloads.ts'
import { sendFile } from '../bytes/send/send-file.ts'
import type { Stage } from '../model/boot.ts'
import { recordedFault, sizeFault } from '../model/catalog.ts'
import { sha256Pattern } from '../model/image.ts'
import type { FileDeps } from './http/deps.ts'
import { parseQuery } from './http/facts-query.ts'
import { addressOf, type BootContext, queryOf } from './http/request.ts'

const fileStages = new Set<string>(['kernel', 'initrd', 'file'] satisfies Stage[])

/** `/files/{sha256}/{name}?boot=…&stage=…`: an image's file. */
export async function serveFile(context: BootContext, deps: FileDeps): Promise<Response> {
  const sha256 = context.req.param('sha256') ?? ''
  if (!sha256Pattern.test(sha256)) return noFile(context, sha256)
  return serveStored(context, deps, sha256, context.req.param('name') ?? '')
}

/** Streams a stored file. When the body ends, an event is recorded for the boot in the query. */
export async function serveStored(
  context: BootContext,
  deps: FileDeps,
  sha256: string,
  name: string,
): Promise<Response> {
  const { store, transfers, log } = deps
  const query = parseQuery(queryOf(context))
  const bootId = bootIdOf(query.get('boot'))
  const stage = query.get('stage') ?? ''
  const ip = addressOf(context)
  const asked = { address: ip, boot: bootId, stage, file: name }
  const record = (details: EventDetails) => recordStage(deps, asked, details)
  // If the database is unreachable, a file without a status is served, because its hash identifies it.
  const status = await deps.inventory.findFileStatus(sha256)
  const file = await store.open(sha256)
  const fault = status && (recordedFault(status) ?? sizeFault(status.sizeBytes, file?.sizeBytes))
  if (fault !== undefined) {
    const { damage } = fault
    await file?.close()
    log.error({ ip, boot: bootId, file: name, sha256, damage }, 'damaged file not served')
    record({ message: `refused: the file is damaged: ${damage}` })
    if (status?.damage === null) await deps.recordDamage(sha256, fault).catch(() => undefined)
    return context.text(`The file ${sha256} is damaged: ${damage}.\n`, 500)
  }
  if (file === undefined) return noFile(context, sha256)
  const headers = {
    'Content-Type': contentTypeOf(name),
    // The URL contains the hash of the bytes, so every cache may store them.
    'Cache-Control': 'public, max-age=31536000, immutable',
    ETag: `"${sha256}"`,
  }
  const level = levelOf(stage, context.req.header('range') !== undefined)
  if (store.urlFor !== undefined && context.req.method === 'GET') {
    await file.close()
    log[level]({ ip, boot: bootId, file: name }, 'file redirected to the object store')
    record({ message: 'sent to the object store' })
    context.header('Cache-Control', 'no-store')
    return context.redirect(await store.urlFor(sha256, headers['Content-Type']))
  }
  return sendFile({ ...context.env, ...asked, name }, transfers, file, headers, (result) =>
    recordDownload(deps, { ...asked, totalBytes: file.sizeBytes }, result, level),
  )
}

/** Records the end of a download: a log line and, for a stage of a boot, its event. Also called when a file worker has exited. */
export function recordDownload(
  deps: Pick<FileDeps, 'log' | 'inventory'>,
  download: Pick<Download, 'address' | 'boot' | 'stage' | 'file' | 'totalBytes'>,
  { bytes, complete, durationMs }: Sent,
  level: 'info' | 'debug' = 'info',
): void {
  const { address: ip, boot, file, totalBytes } = download
  deps.log[level]({ ip, boot, file, bytes, ms: durationMs, complete }, 'file')
  const message = complete ? undefined : `interrupted after ${bytes} of ${totalBytes} bytes`
  recordStage(deps, download, { bytes, durationMs, message })
}

type EventDetails = { bytes?: number; durationMs?: number; message?: string | undefined }

function recordStage(
  { inventory }: Pick<FileDeps, 'inventory'>,
  { boot: bootId, address: ip, stage = '', file }: Pick<Download, 'address' | 'boot' | 'stage' | 'file'>,
  details: EventDetails,
): void {
  if (bootId === undefined || !fileStages.has(stage)) return
  inventory.events.record({ bootId, ip, stage: stage as Stage, file, ...details })
}

/** iPXE reads a disk image over HTTP in thousands of small ranges, which do not belong to a stage. */
function levelOf(stage: string, isRange: boolean): 'info' | 'debug' {
  return fileStages.has(stage) || !isRange ? 'info' : 'debug'
}

function noFile(context: BootContext, sha256: string): Response {
  return context.text(`No such file: ${sha256.slice(0, 64)}.\n`, 404)
}

/** UEFI HTTP Boot requires `application/efi` for programs (UEFI 2.10, 24.7.3.2). */
export function contentTypeOf(name: string): string {
  if (name.endsWith('.efi')) return 'application/efi'
  return name.endsWith('.iso') ? 'application/vnd.efi-iso' : 'application/octet-stream'
}

function bootIdOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : undefined
}
