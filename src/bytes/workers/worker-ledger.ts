// The server's side of a file worker: answers its questions and counts its downloads. Called by file-workers.ts.
import type { FileFault, FileStatus } from '../../model/catalog.ts'
import type { BegunDownload, Download, Downloads, Sent } from '../send/downloads.ts'
import type { CountedRequest, FileEvent, FromWorker, ToWorker } from './messages.ts'

/** What the server does for its workers. */
export type WorkerHost = {
  begin: Downloads['begin']
  /** Never throws. */
  findFileStatus: (sha256: string) => Promise<FileStatus | undefined>
  recordDamage: (sha256: string, fault: FileFault) => Promise<unknown>
  recordEvent: (event: FileEvent) => void
  countRequest: (request: CountedRequest) => void
  /** Records a download whose worker has exited. */
  recordLost: (download: Download, result: Sent) => void
}

type OpenDownload = { download: Download; begun: BegunDownload; bytes: number; startedAt: number }

/** The open downloads of one worker process. `lost` ends them when the process has exited. */
export function createWorkerLedger(
  host: WorkerHost,
  send: (message: ToWorker) => void,
): { receive: (messages: FromWorker[]) => void; lost: () => void } {
  const open = new Map<number, OpenDownload>()

  const begin = (id: number, download: Download) => {
    const begun = host.begin(download, () => send({ kind: 'disconnect', id }))
    if ('retryAfterSeconds' in begun) return send({ kind: 'begun', id, ...begun })
    open.set(id, { download, begun, bytes: 0, startedAt: performance.now() })
    send({ kind: 'begun', id })
  }
  const moved = (id: number, bytes: number) => {
    const found = open.get(id)
    if (found === undefined) return
    found.bytes += bytes
    found.begun.moved(bytes)
  }
  const ended = (id: number, result: Sent) => {
    const found = open.get(id)
    if (found === undefined) return
    open.delete(id)
    found.begun.moved(result.bytes - found.bytes)
    found.begun.ended(result)
  }
  const small = (download: Download, result: Sent) => {
    const begun = host.begin(download, () => {})
    if ('retryAfterSeconds' in begun) return
    begun.moved(result.bytes)
    begun.ended(result)
  }
  const receive = (message: FromWorker) => {
    switch (message.kind) {
      case 'status':
        return void host
          .findFileStatus(message.sha256)
          .then((status) => send({ kind: 'status', id: message.id, status }))
      case 'begin':
        return begin(message.id, message.download)
      case 'moved':
        return moved(message.id, message.bytes)
      case 'ended':
        return ended(message.id, message.result)
      case 'small':
        return small(message.download, message.result)
      case 'event':
        return host.recordEvent(message.event)
      case 'damage':
        return void host.recordDamage(message.sha256, message.fault).catch(() => undefined)
      case 'request':
        return host.countRequest(message)
      case 'listening':
        return undefined
    }
  }

  return {
    receive: (messages) => messages.forEach(receive),
    lost: () => {
      for (const [id, { download, bytes, startedAt }] of open) {
        const result = { bytes, complete: false, durationMs: Math.round(performance.now() - startedAt) }
        ended(id, result)
        host.recordLost(download, result)
      }
    },
  }
}
