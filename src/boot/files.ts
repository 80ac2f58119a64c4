import { sendFile, type Transfers } from '../bytes/send/send-file.ts'
import type { FileStore } from '../bytes/store/file-store.ts'
import type { BootEventRecorder } from '../inventory/boots/events.ts'
import { type FindServable, sha256Pattern, sizeFault } from '../inventory/images/files.ts'
import type { Logger } from '../lib/log.ts'
import type { Stage } from '../model/boot.ts'
import { parseQuery } from './http/facts-query.ts'
import { addressOf, type BootContext, queryOf } from './http/request.ts'

/** What files are served from. */
export type FileDeps = {
  store: FileStore
  transfers: Transfers
  findServable: FindServable
  /** Records why a file is served no more. */
  noteDamage: (sha256: string, why: string) => Promise<unknown>
  events: Pick<BootEventRecorder, 'record'>
  log: Logger
}

const fileStages = new Set<string>(['kernel', 'initrd', 'file'] satisfies Stage[])

/** `/files/{sha256}/{name}?boot=…&stage=…`: an image's file. */
export async function serveFile(c: BootContext, deps: FileDeps): Promise<Response> {
  const sha256 = c.req.param('sha256') ?? ''
  if (!sha256Pattern.test(sha256)) return noFile(c, sha256)
  return serveStored(c, deps, sha256, c.req.param('name') ?? '')
}

/** A stored file under a name, streamed; counted for the boot that the query names when the body has ended. */
export async function serveStored(c: BootContext, deps: FileDeps, sha256: string, name: string): Promise<Response> {
  const { store, transfers, events, log } = deps
  const query = parseQuery(queryOf(c))
  const bootId = bootIdOf(query.get('boot'))
  const stage = query.get('stage') ?? ''
  const ip = addressOf(c)
  const record = (more: { bytes?: number; durationMs?: number; message?: string | undefined }) => {
    if (bootId === undefined || !fileStages.has(stage)) return
    events.record({ bootId, ip, stage: stage as Stage, file: name, ...more })
  }
  // While the database is away nothing may be known of a file; its name is its hash all the same.
  const known = await deps.findServable(sha256)
  const file = await store.open(sha256)
  const damage = known?.damage ?? (known && sizeFault(known.sizeBytes, file?.sizeBytes))
  if (damage) {
    await file?.close()
    log.error({ ip, boot: bootId, file: name, sha256, damage }, 'a damaged file is not served')
    record({ message: `refused: the file is damaged: ${damage}` })
    if (known?.damage === null) await deps.noteDamage(sha256, damage).catch(() => undefined)
    return c.text(`The file ${sha256} is damaged: ${damage}.\n`, 500)
  }
  if (file === undefined) return noFile(c, sha256)
  const headers = {
    'Content-Type': contentTypeOf(name),
    // The URL names the bytes by their hash, so any cache may keep them for ever.
    'Cache-Control': 'public, max-age=31536000, immutable',
    ETag: `"${sha256}"`,
  }
  // Of a disk image that is booted over HTTP iPXE reads small parts by the thousand; they belong to no stage.
  const level = fileStages.has(stage) || c.req.header('range') === undefined ? 'info' : 'debug'
  if (store.urlFor !== undefined && c.req.method === 'GET') {
    await file.close()
    log[level]({ ip, boot: bootId, file: name }, 'file: sent to the object store')
    record({ message: 'sent to the object store' })
    c.header('Cache-Control', 'no-store')
    return c.redirect(await store.urlFor(sha256, headers['Content-Type']))
  }
  return sendFile({ ...c.env, address: ip }, transfers, file, headers, ({ bytes, complete, durationMs }) => {
    log[level]({ ip, boot: bootId, file: name, bytes, ms: durationMs, complete }, 'file')
    const message = complete ? undefined : `cut off after ${bytes} of ${file.sizeBytes} bytes`
    record({ bytes, durationMs, message })
  })
}

function noFile(c: BootContext, sha256: string): Response {
  return c.text(`There is no file ${sha256.slice(0, 64)}.\n`, 404)
}

/** `application/efi` is what UEFI HTTP Boot takes for a program (UEFI 2.10, 24.7.3.2). */
export function contentTypeOf(name: string): string {
  if (name.endsWith('.efi')) return 'application/efi'
  return name.endsWith('.iso') ? 'application/vnd.efi-iso' : 'application/octet-stream'
}

function bootIdOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : undefined
}
