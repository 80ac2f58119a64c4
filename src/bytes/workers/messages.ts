// The messages between the server and its file workers, over their IPC channels.
import type { BootEvent } from '../../model/boot.ts'
import type { FileFault, FileStatus } from '../../model/catalog.ts'
import type { Download, Sent } from '../send/downloads.ts'

/** An event of a boot: a file that was sent, or refused. */
export type FileEvent = Omit<BootEvent, 'at'>

/** A request that has ended, for the metrics of the server. */
export type CountedRequest = { route: string; status: number; seconds: number }

/** A message from a worker. A worker sends a list of them at most once in a turn of its event loop. `id` names a question or a download. */
export type FromWorker =
  | { kind: 'listening' }
  | { kind: 'status'; id: number; sha256: string }
  | { kind: 'begin'; id: number; download: Download }
  /** Workers report these at most once a second. */
  | { kind: 'moved'; id: number; bytes: number }
  | { kind: 'ended'; id: number; result: Sent }
  /** A small download begins and ends without a question. */
  | { kind: 'small'; download: Download; result: Sent }
  | { kind: 'event'; event: FileEvent }
  | { kind: 'damage'; sha256: string; fault: FileFault }
  | ({ kind: 'request' } & CountedRequest)

/** A message to a worker: the answer to a question, or an order to disconnect the client of a download. */
export type ToWorker =
  | { kind: 'status'; id: number; status: FileStatus | undefined }
  | { kind: 'begun'; id: number; retryAfterSeconds?: number }
  | { kind: 'disconnect'; id: number }
