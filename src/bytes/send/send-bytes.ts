// The bytes of a file on their way to a socket: from the kernel, from shared chunks, or by a read of its own.
import type { ServerResponse } from 'node:http'
import type { OpenFile } from '../store/file-store.ts'
import type { ByteRange } from './byte-range.ts'
import type { Chunk, ChunkCache } from './chunk-cache.ts'
import { onceEnded } from './connection-end.ts'
import { lengthOf } from './file-answer.ts'
import type { ZeroCopy } from './zero-copy.ts'

/** How bytes get from files to sockets. */
export type SendMethods = {
  chunks: ChunkCache
  zeroCopy: ZeroCopy | undefined
  /** Clients that take longer than this per piece are disconnected; otherwise one byte at a time could hold a place forever. */
  patienceMs: number
}

/** Waits until this many more bytes may be sent; undefined when they may be sent now. */
export type RateLimit = (bytes: number) => Promise<void> | undefined

/** A file on its way to a reader. `key` names its bytes, for all who read the same. */
export type Sending = {
  outgoing: ServerResponse
  file: OpenFile
  key: string
  methods: SendMethods
  rateLimit: RateLimit
}

/** The reader's end. */
type Reader = {
  /** Resolves when the system has taken all of it: what a slow reader leaves is held only by the socket. */
  write: (bytes: Buffer) => Promise<void>
  /** How long that took the last time, milliseconds. */
  tookMs: number
  /** Room for bytes that are this reader's alone; used again when they are written. */
  small: () => Buffer
  /** It is written to no more. */
  leave: () => void
}

/** Readers that take longer than this per piece gain nothing from a piece that is read ahead. */
const quickMs = 250

/** Given to the kernel at once: more would keep all others waiting while a fast reader empties its socket. */
const maxPieceBytes = 4 * 2 ** 20
/**
 * Where speed is bounded, and until it is known whether: each waits until the pieces before its own are earned, and were those
 * large, it might wait longer than a connection may be silent (listener.ts).
 */
const firstAtOnce = 2 ** 18
const pacedAtOnce = 2 ** 16
/** Written by Node after that, because it tells when a full socket has room again; and all that a slow reader holds. */
const smallBytes = 16 * 1024

/**
 * Writes a part of a file to a response whose head is written, as fast as its reader takes it. The kernel sends what is on a
 * local disk from its page cache to the socket; the rest goes in chunks that all readers of the file share.
 * `sent` is called after every step. @throws Error when the client goes away or the file cannot be read to its end
 */
export async function sendPart(sending: Sending, part: ByteRange, sent: (bytes: number) => void): Promise<void> {
  const reader = readerOf(sending.outgoing, sending.methods.patienceMs)
  try {
    // What goes past Node must come after the head.
    if (lengthOf(part) > smallBytes) await reader.write(Buffer.alloc(0))
    await sendRange(sending, reader, part, sent)
  } finally {
    reader.leave()
  }
}

async function sendRange(
  sending: Sending,
  reader: Reader,
  { first, last }: ByteRange,
  sent: (bytes: number) => void,
): Promise<void> {
  let most = firstAtOnce
  for (let position = first; position <= last; ) {
    const left = Math.min(last - position + 1, most)
    const bytes =
      (await sendFromKernel(sending, reader, position, left)) ??
      (await sendChunk(sending, reader, position, left)) ??
      (await sendOwn(sending, reader, position, left))
    position += bytes
    sent(bytes)
    const wait = sending.rateLimit(bytes)
    most = wait === undefined ? Math.min(2 * most, maxPieceBytes) : pacedAtOnce
    await wait
  }
}

/** Undefined when the file is on no disk of ours, the bytes are few, or the socket is not ours alone. */
async function sendFromKernel(
  { outgoing, file, methods }: Sending,
  reader: Reader,
  position: number,
  sizeBytes: number,
) {
  const { zeroCopy } = methods
  const { descriptor } = file
  if (zeroCopy === undefined || descriptor === undefined || sizeBytes <= smallBytes) return undefined
  if (!zeroCopy.isCached(descriptor, position, sizeBytes)) {
    await zeroCopy.load(descriptor, position, sizeBytes)
    // The disk reads ahead while this is sent.
    zeroCopy.loadAhead(descriptor, position + sizeBytes, maxPieceBytes)
  }
  const socket = idleSocketOf(outgoing)
  if (socket === undefined) return undefined
  const taken = zeroCopy.send(socket, descriptor, position, sizeBytes - smallBytes)
  const rest = reader.small()
  const got = zeroCopy.read(descriptor, rest, position + taken)
  if (got === 0) throw shortFile()
  await reader.write(rest.subarray(0, got))
  return taken + got
}

/** Undefined when all the memory for chunks is held by others, and for the few bytes that a disk gives as quickly alone. */
async function sendChunk({ file, key, methods: { chunks } }: Sending, reader: Reader, position: number, left: number) {
  if (left <= smallBytes && file.descriptor !== undefined) return undefined
  const index = Math.floor(position / chunks.chunkBytes)
  const bytesKey = `${key} ${file.generation ?? ''}`
  const chunk = await chunks.take(file, bytesKey, index)
  if (chunk === undefined) return undefined
  // An object store answers after a while: the next piece is on its way while this one is sent.
  if (file.descriptor === undefined && reader.tookMs < quickMs && (index + 1) * chunks.chunkBytes < file.sizeBytes) {
    chunks.take(file, bytesKey, index + 1).then(
      (next) => next?.giveBack(),
      () => undefined,
    )
  }
  try {
    const bytes = partOf(chunk, position - index * chunks.chunkBytes, left)
    await reader.write(bytes)
    return bytes.length
  } finally {
    chunk.giveBack()
  }
}

async function sendOwn({ file }: Sending, reader: Reader, position: number, left: number): Promise<number> {
  const own = reader.small().subarray(0, left)
  const got = await file.read(own, position)
  if (got === 0) throw shortFile()
  await reader.write(own.subarray(0, got))
  return got
}

function partOf({ bytes }: Chunk, start: number, most: number): Buffer {
  return bytes.subarray(start, Math.min(bytes.length, start + most))
}

function shortFile(): Error {
  return new Error('the file became shorter while it was sent')
}

/** The descriptor of the response's socket, when Node has nothing more to write to it. */
function idleSocketOf({ socket }: ServerResponse): number | undefined {
  if (socket === null || socket.destroyed || socket.writableLength > 0) return undefined
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null }
  const descriptor = handle?.fd
  return descriptor !== undefined && descriptor >= 0 ? descriptor : undefined
}

function readerOf(outgoing: ServerResponse, patienceMs: number): Reader {
  let small: Buffer | undefined
  const { socket: connection } = outgoing.req
  let failed = (_error: Error) => {}
  let late: NodeJS.Timeout | undefined
  const gone = () => {
    clearTimeout(late)
    failed(new Error('the client went away'))
  }
  outgoing.once('close', gone)
  const forget = onceEnded(connection, gone)
  const reader: Reader = {
    tookMs: 0,
    small: () => (small ??= Buffer.allocUnsafeSlow(smallBytes)),
    leave: forget,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        failed = reject
        if (outgoing.destroyed || connection.destroyed) return reject(new Error('the client went away'))
        const startedAt = performance.now()
        late = setTimeout(() => outgoing.destroy(), patienceMs)
        outgoing.write(bytes, (error) => {
          clearTimeout(late)
          reader.tookMs = performance.now() - startedAt
          if (error) reject(error)
          else resolve()
        })
      }),
  }
  return reader
}
