// Sends the bytes of a file to a socket: from the kernel, from shared chunks, or by a separate read.
import type { ServerResponse } from 'node:http'
import type { OpenFile } from '../store/file-store.ts'
import type { ByteRange } from './byte-range.ts'
import type { Chunk, ChunkCache } from './chunk-cache.ts'
import { onceEnded } from './connection-end.ts'
import { lengthOf } from './file-answer.ts'
import type { ZeroCopy } from './kernel/zero-copy.ts'
import type { SendTurns } from './turns.ts'

/** The ways to send bytes from files to sockets. */
export type SendMethods = {
  chunks: ChunkCache
  zeroCopy: ZeroCopy | undefined
  turns: SendTurns
  /** Clients that take longer than this per piece are disconnected. Otherwise one byte at a time could hold a slot forever. */
  writeTimeoutMs: number
}

/** Waits until this many more bytes may be sent; undefined if the bytes can be sent now. */
export type RateLimit = (bytes: number) => Promise<void> | undefined

/** A file that is sent to a reader. `key` identifies its bytes in the chunk cache. */
export type Sending = {
  outgoing: ServerResponse
  file: OpenFile
  key: string
  methods: SendMethods
  rateLimit: RateLimit
}

/** The client side of a download. */
type Reader = {
  /** Resolves when the system has taken all the bytes: bytes that wait for a slow reader are held only by the socket. */
  write: (bytes: Buffer) => Promise<void>
  /** Duration of the last write, in milliseconds. */
  tookMs: number
  /** Restarts the idle timeout of the connection, because Node does not see bytes that the kernel sends. */
  moved: () => void
  /** Reading ahead for this reader, until its end. */
  ahead: Promise<void> | undefined
  /** A buffer for this reader only, reused after each write. */
  small: () => Buffer
  /** Ends the use of the reader. */
  leave: () => void
}

/** Readers that take longer than this per piece gain nothing from read-ahead. */
const quickMs = 250

/** Maximum bytes per call to the kernel: with more, all other clients would wait while a fast reader empties its socket. */
const maxPieceBytes = 2 * 2 ** 20
/**
 * The first piece, and each piece under a speed limit. Each reader waits until the tokens of earlier pieces are earned. If the
 * pieces were large, that wait could exceed the idle timeout of a connection (listener.ts).
 */
const firstPieceBytes = 2 ** 18
const limitedPieceBytes = 2 ** 16
/** If a socket is full, Node writes this many bytes and reports when it has space again. It is also the whole buffer of a slow reader. */
const smallBytes = 16 * 1024

/**
 * Writes a part of a file to a response whose head is written, as fast as the reader takes it. For a file on a local disk the
 * kernel sends from its page cache to the socket; other files are sent in chunks that all their readers share.
 * Calls `sent` after every step. @throws Error if the client disconnects, or the file cannot be read to its end
 */
export async function sendPart(sending: Sending, part: ByteRange, sent: (bytes: number) => void): Promise<void> {
  const reader = readerOf(sending.outgoing, sending.methods.writeTimeoutMs)
  try {
    // Bytes that bypass Node must follow the head.
    if (lengthOf(part) > smallBytes) await reader.write(Buffer.alloc(0))
    await sendRange(sending, reader, part, sent)
  } finally {
    reader.leave()
    // The caller closes the file next.
    await reader.ahead
  }
}

async function sendRange(
  sending: Sending,
  reader: Reader,
  { first, last }: ByteRange,
  sent: (bytes: number) => void,
): Promise<void> {
  let pieceBytes = firstPieceBytes
  for (let position = first; position <= last; ) {
    const left = Math.min(last - position + 1, pieceBytes)
    const bytes =
      (await sendFromKernel(sending, reader, position, left)) ??
      (await sendChunk(sending, reader, position, left)) ??
      (await sendOwn(sending, reader, position, left))
    position += bytes
    sent(bytes)
    const wait = sending.rateLimit(bytes)
    pieceBytes = wait === undefined ? Math.min(2 * pieceBytes, maxPieceBytes) : limitedPieceBytes
    await wait
  }
}

/** Undefined if the file is not on a local disk, the bytes are few, or Node still writes to the socket. */
async function sendFromKernel(
  { outgoing, file, methods }: Sending,
  reader: Reader,
  position: number,
  sizeBytes: number,
) {
  const { zeroCopy } = methods
  const { descriptor } = file
  if (zeroCopy === undefined || descriptor === undefined || sizeBytes <= smallBytes) return undefined
  const loading = zeroCopy.load(descriptor, position, sizeBytes)
  if (loading !== undefined) {
    await loading
    // Read ahead from the disk while these bytes are sent.
    const ahead = zeroCopy.loadAhead(descriptor, position + sizeBytes, maxPieceBytes)
    if (ahead !== undefined) reader.ahead = Promise.all([reader.ahead, ahead]).then(() => undefined)
  }
  return methods.turns.run(() => {
    const taken = outgoing.socket === null ? undefined : zeroCopy.send(outgoing.socket, descriptor, position, sizeBytes)
    if (taken === undefined) return undefined
    if (taken === sizeBytes) {
      reader.moved()
      return taken
    }
    const tail = reader.small().subarray(0, sizeBytes - taken)
    const bytesRead = zeroCopy.read(descriptor, tail, position + taken)
    if (bytesRead === 0) throw shortFile()
    return reader.write(tail.subarray(0, bytesRead)).then(() => taken + bytesRead)
  })
}

/** Undefined if other readers hold all the memory for chunks, or if a direct read of the few bytes is as fast. */
async function sendChunk(
  { file, key, methods: { chunks, turns } }: Sending,
  reader: Reader,
  position: number,
  left: number,
) {
  if (left <= smallBytes && file.descriptor !== undefined) return undefined
  const index = Math.floor(position / chunks.chunkBytes)
  const bytesKey = `${key} ${file.generation ?? ''}`
  const chunk = await chunks.take(file, bytesKey, index)
  if (chunk === undefined) return undefined
  // An object store answers slowly: fetch the next chunk while this one is sent.
  if (file.descriptor === undefined && reader.tookMs < quickMs && (index + 1) * chunks.chunkBytes < file.sizeBytes) {
    chunks.take(file, bytesKey, index + 1).then(
      (next) => next?.release(),
      () => undefined,
    )
  }
  try {
    const bytes = partOf(chunk, position - index * chunks.chunkBytes, left)
    await turns.run(() => reader.write(bytes))
    return bytes.length
  } finally {
    chunk.release()
  }
}

async function sendOwn(
  { file, methods: { turns } }: Sending,
  reader: Reader,
  position: number,
  left: number,
): Promise<number> {
  const own = reader.small().subarray(0, left)
  const bytesRead = await file.read(own, position)
  if (bytesRead === 0) throw shortFile()
  await turns.run(() => reader.write(own.subarray(0, bytesRead)))
  return bytesRead
}

function partOf({ bytes }: Chunk, start: number, maxBytes: number): Buffer {
  return bytes.subarray(start, Math.min(bytes.length, start + maxBytes))
}

function shortFile(): Error {
  return new Error('the file was truncated while it was sent')
}

function readerOf(outgoing: ServerResponse, writeTimeoutMs: number): Reader {
  let small: Buffer | undefined
  const { socket: connection } = outgoing.req
  let failed = (_error: Error) => {}
  let late: NodeJS.Timeout | undefined
  const gone = () => {
    clearTimeout(late)
    failed(new Error('the client disconnected'))
  }
  outgoing.once('close', gone)
  const forget = onceEnded(connection, gone)
  const reader: Reader = {
    tookMs: 0,
    ahead: undefined,
    small: () => (small ??= Buffer.allocUnsafeSlow(smallBytes)),
    leave: forget,
    moved: () => void connection.setTimeout(connection.timeout ?? 0),
    write: (bytes) =>
      new Promise((resolve, reject) => {
        failed = reject
        if (outgoing.destroyed || connection.destroyed) return reject(new Error('the client disconnected'))
        const startedAt = performance.now()
        late = setTimeout(() => outgoing.destroy(), writeTimeoutMs)
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
