// The messages between the server and its TFTP thread. Called by start-thread.ts and program.ts.
import type { WithoutServer } from '../../render/bootstrap.ts'
import type { Templates } from '../../render/renderer.ts'
import type { TftpSettings, TftpTransferRecord } from '../server.ts'

/** What a thread starts with. It gets a copy of the programs: V8 copies bytes from shared memory at a fifth of the speed. */
export type ThreadStart = {
  settings: Omit<TftpSettings, 'allows'>
  /** The subnets that are served; empty: all. */
  subnets: string[]
  programs: ReadonlyMap<string, Uint8Array>
  /** What `autoexec.ipxe` is made of. */
  bootstrap: {
    templates: Templates
    withoutServer: WithoutServer
    baseUrl: string | undefined
    /** The address that boot HTTP listens on. */
    boot: { address: string; port: number }
  }
  /** The files that the thread opened, in shared memory: they are closed after the thread. */
  openFiles: Int32Array
  /** The levels of the lines that are logged. */
  levels: LogLine['level'][]
}

export type LogLine = { level: 'debug' | 'info' | 'warn' | 'error'; fields: object; text: string }

/** What happened since the last batch, in order. The counts are complete even if entries were dropped. */
export type Batch = {
  counts: {
    started: number
    ended: [outcome: string, count: number][]
    refused: number
    probes: number
    retransmissions: number
    bytes: number
  }
  entries: ({ record: TftpTransferRecord; at: number } | { line: LogLine })[]
  /** Entries that had no room. */
  dropped: number
}

export type ToThread = { kind: 'stop'; timeoutMs: number } | { kind: 'batch-taken' }

export type FromThread =
  | { kind: 'listening'; port: number; addresses: string[] }
  | { kind: 'failed'; code: string | undefined; message: string }
  | { kind: 'batch'; batch: Batch }
  | { kind: 'stopped' }
