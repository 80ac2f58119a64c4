import type { ServerResponse } from 'node:http'
import type { Chunk, ChunkCache } from '../store/chunk-cache.ts'
import type { OpenFile } from '../store/file-store.ts'
import type { ByteRange } from './byte-range.ts'
import { lengthOf, type Part } from './file-answer.ts'
import type { ZeroCopy } from './zero-copy.ts'

/** How bytes get from files to sockets. */
export type SendWays = { chunks: ChunkCache; zeroCopy: ZeroCopy | undefined }

/** Waits until so many bytes more may be sent; undefined when that is now. */
export type Pace = (bytes: number) => Promise<void> | undefined

/** A file on its way to a reader. `key` names its bytes, for all who read the same. */
export type Sending = { outgoing: ServerResponse; file: OpenFile; key: string; ways: SendWays; pace: Pace }

/** Resolves when the system has taken all of it: nobody's memory but the socket's holds what a slow reader leaves. */
type Write = (bytes: Buffer) => Promise<void>

/** Given to the kernel at once: more would keep all others waiting while a fast reader empties its socket. */
const mostAtOnce = 2 * 2 ** 20
/** Written by Node after that, because it tells when a full socket has room again; and all that a slow reader holds. */
const smallBytes = 64 * 1024

/**
 * Writes parts of a file to a response whose head is written, as fast as its reader takes them: what is on a disk
 * of ours from the page cache to the socket inside the kernel, the rest in chunks that all who read the same file share.
 * `sent` is told of every step. @throws Error when the client goes away or the file cannot be read to its end
 */
export async function sendParts(sending: Sending, parts: Part[], sent: (bytes: number) => void): Promise<void> {
  const write = writerOf(sending.outgoing)
  // What goes past Node must come after the head.
  if (parts.some((part) => lengthOf(part) > smallBytes)) await write(Buffer.alloc(0))
  for (const part of parts) {
    if (!('text' in part)) await sendRange(sending, write, part, sent)
    else {
      await write(part.text)
      sent(part.text.length)
    }
  }
}

async function sendRange(
  sending: Sending,
  write: Write,
  { first, last }: ByteRange,
  sent: (bytes: number) => void,
): Promise<void> {
  for (let position = first; position <= last; ) {
    const left = last - position + 1
    const wait = sending.pace(Math.min(left, mostAtOnce))
    if (wait !== undefined) await wait
    const bytes =
      (await sendFromKernel(sending, write, position, Math.min(left, mostAtOnce))) ??
      (await sendChunk(sending, write, position, left)) ??
      (await sendOwn(sending, write, position, left))
    position += bytes
    sent(bytes)
  }
}

/** Undefined when the file is on no disk of ours, the bytes are few, or the socket is not ours alone. */
async function sendFromKernel({ outgoing, file, ways }: Sending, write: Write, position: number, sizeBytes: number) {
  const { zeroCopy } = ways
  const { descriptor } = file
  if (zeroCopy === undefined || descriptor === undefined || sizeBytes <= smallBytes) return undefined
  if (!zeroCopy.isCached(descriptor, position, sizeBytes)) {
    await zeroCopy.load(descriptor, position, sizeBytes)
    // The disk goes on while this is sent.
    void zeroCopy.load(descriptor, position + sizeBytes, mostAtOnce)
  }
  const socket = idleSocketOf(outgoing)
  if (socket === undefined) return undefined
  const taken = zeroCopy.send(socket, descriptor, position, sizeBytes - smallBytes)
  const rest = Buffer.allocUnsafeSlow(smallBytes)
  const got = zeroCopy.read(descriptor, rest, position + taken)
  if (got === 0) throw shortFile()
  await write(rest.subarray(0, got))
  return taken + got
}

/** Undefined when all the memory for chunks is held by others, and for the few bytes that a disk gives as quickly alone. */
async function sendChunk({ file, key, ways: { chunks } }: Sending, write: Write, position: number, left: number) {
  if (left <= smallBytes && file.descriptor !== undefined) return undefined
  const index = Math.floor(position / chunks.chunkBytes)
  const chunk = await chunks.take(file, `${key} ${file.generation ?? ''}`, index)
  if (chunk === undefined) return undefined
  try {
    const bytes = partOf(chunk, position - index * chunks.chunkBytes, left)
    await write(bytes)
    return bytes.length
  } finally {
    chunk.giveBack()
  }
}

async function sendOwn({ file }: Sending, write: Write, position: number, left: number): Promise<number> {
  const own = Buffer.allocUnsafeSlow(Math.min(smallBytes, left))
  const got = await file.read(own, position)
  if (got === 0) throw shortFile()
  await write(own.subarray(0, got))
  return got
}

function partOf({ bytes }: Chunk, start: number, most: number): Buffer {
  return bytes.subarray(start, Math.min(bytes.length, start + most))
}

function shortFile(): Error {
  return new Error('the file is shorter than it was')
}

/** The descriptor of the response's socket, when Node has nothing more to write to it. */
function idleSocketOf({ socket }: ServerResponse): number | undefined {
  if (socket === null || socket.destroyed || socket.writableLength > 0) return undefined
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null }
  const descriptor = handle?.fd
  return descriptor !== undefined && descriptor >= 0 ? descriptor : undefined
}

function writerOf(outgoing: ServerResponse): Write {
  let failed = (_error: Error) => {}
  outgoing.once('close', () => failed(new Error('the client went away')))
  return (bytes) =>
    new Promise((resolve, reject) => {
      failed = reject
      if (outgoing.destroyed) return reject(new Error('the client went away'))
      outgoing.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
}
