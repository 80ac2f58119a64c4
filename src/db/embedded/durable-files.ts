// Writes of the embedded database that survive a power cut.

import fs from 'node:fs'
import { promisify } from 'node:util'
import type { PGliteOptions } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'

/** The folder of an embedded database, as PGlite's file system, whose syncs reach the disk. */
export type DurableFiles = {
  filesystem: NonNullable<PGliteOptions['fs']>
  /** Resolves when everything that PostgreSQL has synced is on the disk. Simultaneous callers share one sync. */
  settle: () => Promise<void>
  /** Bytes by which the write-ahead log has grown, including the existing part of its first file. */
  logBytes: () => number
  /** Closes every file, for an engine that died and cannot do it. */
  closeAll: () => void
}

type Node = { name: string; mode: number; made?: number | undefined }
type Stream = { node: Node; fd: number; nfd: number; shared: { refcount: number } }
type Attributes = { size?: number | undefined }

/** The used parts of Emscripten's file systems (its library_fs.js and library_nodefs.js). */
type Emscripten = {
  FS: { isDir: (mode: number) => boolean; destroyNode: (node: Node) => void; closeStream: (fd: number) => void }
  NODEFS: {
    createNode: (parent: Node, name: string, mode: number, device: number) => Node
    realPath: (node: Node) => string
    tryFSOperation: <T>(work: () => T) => T
    node_ops: {
      mknod: (parent: Node, name: string, mode: number, device: number) => Node
      rename: (node: Node, folder: Node, name: string) => void
      unlink: (parent: Node, name: string) => void
      setattr: (node: Node, attributes: Attributes) => void
    }
    stream_ops: {
      open: (stream: Stream) => void
      close: (stream: Stream) => void
      write: (stream: Stream, buffer: Int8Array, offset: number, length: number, position: number) => number
      setattr: (stream: Stream, attributes: Attributes) => void
      fsync?: (stream: Stream) => number
    }
  }
}

const fdatasync = promisify(fs.fdatasync)
const closeFile = promisify(fs.close)

const isLog = (path: string) => /\/pg_wal\/[0-9A-F]{24}$/.test(path)
// PostgreSQL reads no temporary file after a crash.
const isTemporary = (path: string) => path.includes('/pgsql_tmp/')

/**
 * Emscripten's NODEFS has no fsync: PostgreSQL's would do nothing. Here `settle` syncs the write-ahead log, in a thread of Node's
 * pool, because otherwise every other statement would wait for the disk. Before any other file of the database changes, a pending sync
 * is done at once, so that no page reaches the disk before the log that explains it.
 * All other syncs, of data files, the control file and folders, are done when PostgreSQL asks.
 */
export function openDurableFiles(folder: string): DurableFiles {
  const log = createLogSync()
  const opened = new Set<number>()
  const growth = createGrowth()
  const filesystem = new NodeFS(folder)
  const init = filesystem.init.bind(filesystem)
  filesystem.init = async (client, options) => {
    const { emscriptenOpts } = await init(client, options)
    const prepare = (module: unknown) => {
      makeCreatable(module as Emscripten, opened)
      makeDurable(module as Emscripten, log, growth.wrote)
    }
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), prepare] } }
  }
  return {
    filesystem,
    settle: log.settle,
    logBytes: growth.bytes,
    closeAll: () => {
      for (const file of opened) {
        opened.delete(file)
        try {
          fs.closeSync(file)
        } catch {
          // The file is closed in any case (close(2)), and the next engine must be able to start.
        }
      }
    },
  }
}

function makeDurable({ NODEFS }: Emscripten, log: LogSync, wroteLog: (path: string, end: number) => void): void {
  const { node_ops: nodes, stream_ops: streams } = NODEFS
  const { rename, unlink, setattr } = nodes
  const { write, setattr: setStream } = streams
  nodes.rename = (...args) => {
    log.syncNow()
    rename(...args)
  }
  nodes.unlink = (...args) => {
    log.syncNow()
    unlink(...args)
  }
  nodes.setattr = (node, attributes) => {
    if (attributes.size !== undefined) log.syncNow()
    setattr(node, attributes)
  }
  streams.setattr = (stream, attributes) => {
    if (attributes.size !== undefined) log.syncNow()
    setStream(stream, attributes)
  }
  streams.write = (stream, buffer, offset, length, position) => {
    const path = NODEFS.realPath(stream.node)
    if (isLog(path)) wroteLog(path, position + length)
    else if (log.isWaiting() && !isTemporary(path) && !isZero(buffer, offset, length)) log.syncNow()
    return write(stream, buffer, offset, length, position)
  }
  streams.fsync = (stream) => {
    const path = NODEFS.realPath(stream.node)
    NODEFS.tryFSOperation(() => {
      if (isLog(path)) return log.put(path, stream.nfd)
      log.syncNow()
      fs.fsyncSync(stream.nfd)
    })
    return 0
  }
}

// Every commit rewrites its page of the log, so the number of written bytes does not show the growth.
function createGrowth(): { wrote: (path: string, end: number) => void; bytes: () => number } {
  let current = ''
  let reached = 0
  let before = 0
  return {
    wrote: (path, end) => {
      if (path !== current) before += reached
      reached = path === current ? Math.max(reached, end) : end
      current = path
    },
    bytes: () => before + reached,
  }
}

/** A growing table first gets empty pages, which the log does not contain. */
function isZero(buffer: Int8Array, offset: number, length: number): boolean {
  for (let at = offset; at < offset + length; at++) if (buffer[at] !== 0) return false
  return true
}

// NODEFS creates a file and then opens it. If no descriptor is left, the second step fails and the file stays, on the disk and in
// Emscripten's memory. PostgreSQL then closes an unneeded file and retries, but gets "File exists" forever.
function makeCreatable({ FS, NODEFS }: Emscripten, opened: Set<number>): void {
  const { node_ops: nodes, stream_ops: streams } = NODEFS
  const { open, close } = streams
  nodes.mknod = (parent, name, mode, device) => {
    const node = NODEFS.createNode(parent, name, mode, device)
    try {
      NODEFS.tryFSOperation(() => {
        const path = NODEFS.realPath(node)
        if (FS.isDir(mode)) fs.mkdirSync(path, mode)
        else node.made = fs.openSync(path, 'wx+', mode)
      })
    } catch (error) {
      FS.destroyNode(node)
      throw error
    }
    return node
  }
  streams.open = (stream) => {
    const { node } = stream
    try {
      if (node.made === undefined) open(stream)
      else Object.assign(stream, { nfd: node.made }).shared.refcount = 1
      node.made = undefined
    } catch (error) {
      FS.closeStream(stream.fd)
      throw error
    }
    opened.add(stream.nfd)
  }
  streams.close = (stream) => {
    // Delete the descriptor before it is closed: another file may reuse its number at once.
    if (stream.shared.refcount === 1) opened.delete(stream.nfd)
    close(stream)
  }
}

type LogSync = {
  /** Adds a log file, with PostgreSQL's descriptor of it, to the next sync. */
  put: (path: string, descriptor: number) => void
  settle: () => Promise<void>
  isWaiting: () => boolean
  syncNow: () => void
}

function createLogSync(): LogSync {
  // Separate descriptors by path, because PostgreSQL may close its descriptor during a sync.
  let waiting = new Map<string, number>()
  let syncing = new Map<string, number>()
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const sync = async () => {
    next = undefined
    syncing = waiting
    waiting = new Map()
    const files = [...syncing.values()]
    try {
      await Promise.all(files.map((file) => fdatasync(file)))
    } finally {
      syncing = new Map()
      await Promise.all(files.map((file) => closeFile(file)))
    }
  }
  return {
    put: (path, descriptor) => {
      if (waiting.has(path)) return
      try {
        waiting.set(path, fs.openSync(path, 'r'))
      } catch {
        fs.fdatasyncSync(descriptor)
      }
    },
    settle: () => {
      if (waiting.size === 0) return last
      // After a failed sync, later writes are not on the disk either, so later syncs fail too.
      next ??= last.then(sync)
      last = next
      return next
    },
    isWaiting: () => waiting.size + syncing.size > 0,
    syncNow: () => {
      for (const file of syncing.values()) fs.fdatasyncSync(file)
      for (const file of waiting.values()) {
        fs.fdatasyncSync(file)
        fs.closeSync(file)
      }
      waiting = new Map()
    },
  }
}
