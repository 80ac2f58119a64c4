// The answer to a request for a file, from its headers to its last byte.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { OpenFile } from '../store/file-store.ts'
import { createChunkCache } from './chunk-cache.ts'
import { type BeginDownload, createDownloads, type DownloadMetrics, type Downloads, type Sent } from './downloads.ts'
import { answerFor, type FileAnswer, lengthOf } from './file-answer.ts'
import { openZeroCopy } from './kernel/zero-copy.ts'
import { type Sending, type SendMethods, sendPart } from './send-bytes.ts'
import { createSendTurns } from './turns.ts'

/** What all downloads of a process share: the methods of sending, and what admits and counts the downloads. */
export type Sender = { methods: SendMethods; begin: BeginDownload }

/** The same in the server, which also lists the downloads of all its processes. */
export type Transfers = { methods: SendMethods } & Downloads

/**
 * A request for a file, with the address of its client. The address determines the client's share of downloads. `boot`,
 * `stage` and `name` describe the download while it runs.
 */
export type FileRequest = {
  incoming: IncomingMessage
  outgoing: ServerResponse
  address: string
  boot?: string | undefined
  stage?: string | undefined
  name: string
}

const chunkBytes = 2 ** 20
const defaultWriteTimeoutMs = 120_000
/** Answers up to this size have no limit: a refusal would cost as much. A disk that is booted over HTTP requests such pieces. */
const unlimitedBytes = 256 * 1024

/** @param settings.cacheBytes memory for chunks of files that are not sent from the page cache */
export function createTransfers(
  settings: Parameters<typeof createSendMethods>[0] & Parameters<typeof createDownloads>[0],
  metrics?: DownloadMetrics,
): Transfers {
  return { methods: createSendMethods(settings), ...createDownloads(settings, metrics) }
}

export function createSendMethods(settings: {
  cacheBytes: number
  zeroCopy: boolean
  writeTimeoutMs?: number
  /** Time that sending takes from a turn of the event loop at most, milliseconds. */
  sliceMs?: number
}): SendMethods {
  const { cacheBytes, zeroCopy, writeTimeoutMs = defaultWriteTimeoutMs, sliceMs } = settings
  return {
    chunks: createChunkCache(cacheBytes, chunkBytes),
    zeroCopy: zeroCopy ? openZeroCopy() : undefined,
    turns: createSendTurns(sliceMs === undefined ? {} : { sliceMs }),
    writeTimeoutMs,
  }
}

/**
 * Answers GET and HEAD for a file that never changes under its ETag: with a Content-Length, never chunked, optionally one range.
 * If there are too many downloads, the answer is 503 with Retry-After. The bytes go to Node's response directly, because web
 * streams take twice the processor time. Closes the file. Calls `sent` once after a GET that began, complete or not.
 */
export async function sendFile(
  asked: FileRequest,
  { methods, begin }: Sender,
  file: OpenFile,
  headers: { ETag: string; 'Content-Type': string } & Record<string, string>,
  sent: (result: Sent) => void,
): Promise<Response> {
  const { outgoing, incoming, address, boot, stage, name } = asked
  try {
    const answer = answerFor(incoming.method, incoming.headers, file.sizeBytes, headers)
    if (incoming.method === 'HEAD' || answer.part === undefined)
      return new Response(null, { status: answer.status, headers: answer.headers })
    const isSmall = lengthOf(answer.part) <= unlimitedBytes
    const download = {
      boot,
      address,
      file: name,
      stage,
      totalBytes: file.sizeBytes,
      firstByte: answer.part.first,
      isSmall,
    }
    const begun = await begin(download, () => outgoing.destroy())
    if ('retryAfterSeconds' in begun) return busy(begun.retryAfterSeconds)
    const sending = { file, key: headers.ETag, methods, rateLimit: begun.rateLimit }
    const result = await transmit(outgoing, answer, sending, begun.moved)
    begun.ended(result)
    sent(result)
    return RESPONSE_ALREADY_SENT
  } finally {
    await file.close()
  }
}

/** Writes an answer with its body. `progress` hears of each piece. If the body cannot be sent to its end, the connection is closed. */
export async function transmit(
  outgoing: ServerResponse,
  answer: FileAnswer,
  sending: Omit<Sending, 'outgoing'>,
  progress?: (bytes: number) => void,
): Promise<Sent> {
  const startedAt = performance.now()
  let bytes = 0
  try {
    outgoing.writeHead(answer.status, answer.headers)
    if (answer.part !== undefined)
      await sendPart({ outgoing, ...sending }, answer.part, (more) => {
        bytes += more
        progress?.(more)
      })
    outgoing.end()
  } catch {
    // The Content-Length is sent already: only a closed connection can tell the client that bytes are missing.
    outgoing.destroy()
  }
  return { bytes, complete: bytes === lengthOf(answer.part), durationMs: Math.round(performance.now() - startedAt) }
}

function busy(retryAfterSeconds: number): Response {
  return new Response('Too many downloads in progress. Try again later.\n', {
    status: 503,
    headers: {
      'Retry-After': String(retryAfterSeconds),
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
    },
  })
}
