// The PGlite engine, until it dies; serve-engine.ts passes requests to it.

import { PGlite } from '@electric-sql/pglite'
import { messageOf } from '../../lib/errors.ts'
import { openDurableFiles } from './durable-files.ts'
import { EngineError } from './protocol.ts'

/** PostgreSQL in this thread, until it dies. */
export type LocalEngine = {
  /** Results contain the texts of PostgreSQL: remote-engine.ts reads them in the server's thread. */
  client: PGlite
  /** Resolves when all earlier changes are on the disk. */
  settle: () => Promise<void>
  /** Bytes written to the write-ahead log since this engine was started. */
  logBytes: () => number
  /** Why the engine cannot be used any longer; undefined while it works. */
  death: () => string | undefined
}

// What PostgreSQL's own jump to its main loop looks like from outside (PGlite's pglite.ts).
const longJumpStatus = 100

// The log is truncated every 32 MB (client.ts). PostgreSQL keeps at most these sizes of its old files. initdb sets 128 MB of
// buffers, and all of them use memory from the start. The kernel caches the same files (decision 016).
const limits = ['max_files_per_process=200', 'min_wal_size=48MB', 'max_wal_size=64MB', 'shared_buffers=32MB']

/**
 * Starts an engine on a folder, or without a folder in memory with `contents`. If `durable` is false, nothing is
 * synced, and a power cut loses the last writes.
 */
export async function startLocalEngine(
  folder: string | undefined,
  { durable, contents }: { durable: boolean; contents?: Blob | undefined },
): Promise<LocalEngine> {
  const log: string[] = []
  const note = (text: string) => {
    log.push(text)
    log.splice(0, log.length - 20)
    return false
  }
  const files = folder === undefined ? undefined : openDurableFiles(folder)
  const synced = durable && files !== undefined
  const client = await PGlite.create({
    ...(files ? { fs: files.filesystem } : contents && { loadDataDir: contents }),
    startParams: startParams(synced),
    onStderr: note,
  }).catch((error: unknown) => {
    files?.closeAll()
    throw new EngineError(reasonIn(log) ?? describe(error), { cause: error })
  })
  const guarded = guard(client, log)
  return {
    client: yielding(withTexts(client)),
    // After a failed sync, the data may or may not be on the disk, and a second sync would not report that (fsync(2)).
    settle: async () => {
      if (synced)
        await files.settle().catch((error: unknown) => guarded.kill(`cannot sync its log: ${messageOf(error)}`))
    },
    logBytes: () => files?.logBytes() ?? 0,
    death: guarded.death,
  }
}

function withTexts(client: PGlite): PGlite {
  const asText = (text: string) => text
  for (const type of Object.keys(client.parsers)) client.parsers[type] = asText
  return client
}

// PGlite starts PostgreSQL with -F, fsync off. Emscripten's fdatasync, with which PostgreSQL syncs its log on Linux,
// does nothing.
function startParams(synced: boolean): string[] {
  const settings = [...limits, ...(synced ? ['wal_sync_method=fsync'] : [])]
  const params = PGlite.defaultStartParams.filter((param) => !synced || param !== '-F')
  return [...params, ...settings.flatMap((setting) => ['-c', setting])]
}

/** The last error message of PostgreSQL, without its time and level. */
function reasonIn(log: string[]): string | undefined {
  const line = log.findLast((text) => /\b(PANIC|FATAL|ERROR):/.test(text))
  return line?.replace(/^.*?\b(PANIC|FATAL|ERROR):\s+/, '')
}

// Emscripten throws objects with the numbers of WASI, which are not those of Linux.
const errnos: Record<number, string> = {
  2: 'Permission denied',
  29: 'I/O error',
  33: 'Too many open files',
  44: 'No such file or directory',
  51: 'No space left on device',
  69: 'Read-only file system',
}

function describe(error: unknown): string {
  const { errno, status } = error as { errno?: number; status?: number }
  if (error instanceof Error) return error.message
  if (errno !== undefined) return errnos[errno] ?? `WASI error ${errno}`
  return status === undefined ? String(error) : `PostgreSQL ended with status ${status}`
}

type Module = Record<string, (...args: never[]) => unknown>

// PGlite treats every exception of the engine as an error of SQL and calls the engine again. If PostgreSQL has ended (a
// PANIC, a FATAL) or WebAssembly stopped it, the whole process would spin forever. The engine's memory is not reliable
// then.
function guard(client: PGlite, log: string[]): { death: () => string | undefined; kill: (reason: string) => never } {
  const module = client.Module as unknown as Module
  let death: string | undefined
  const wrap = (name: string, wrapped: (call: () => unknown) => unknown) => {
    const original = module[name]
    if (original === undefined) throw new EngineError(`this version of PGlite has no ${name}`)
    module[name] = (...args) => wrapped(() => original(...args))
  }
  const fatal = (call: () => unknown) => {
    if (death !== undefined) throw new EngineError(death)
    try {
      return call()
    } catch (error) {
      if ((error as { status?: unknown }).status !== longJumpStatus) death = reasonIn(log) ?? describe(error)
      throw error
    }
  }
  wrap('_PostgresMainLoopOnce', fatal)
  wrap('_PostgresMainLongJmp', fatal)
  // The first call after an exception, and the last two of every message.
  wrap('stackRestore', (call) => {
    if (death !== undefined) throw new EngineError(death)
    return call()
  })
  for (const name of ['_PostgresSendReadyForQueryIfNecessary', '_pgl_pq_flush'])
    wrap(name, (call) => (death === undefined ? call() : undefined))
  return {
    death: () => death,
    kill: (reason) => {
      death ??= reason
      throw new EngineError(death)
    },
  }
}

/** How long statements may follow each other without a turn of the event loop. */
const turnMs = 5

// PGlite leaves no turn of the event loop between statements while any are waiting. Without a turn, no sync of the disk
// is noticed, and no answer leaves the thread.
function yielding(client: PGlite): PGlite {
  const exclusively = client._runExclusiveQuery.bind(client)
  let turnedAt = 0
  return Object.assign(client, {
    _runExclusiveQuery: <T>(work: () => Promise<T>) =>
      exclusively(async () => {
        if (performance.now() - turnedAt > turnMs) {
          await new Promise((resolve) => setImmediate(resolve))
          turnedAt = performance.now()
        }
        return work()
      }),
  })
}
