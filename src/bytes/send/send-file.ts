// The answer to a request for a file, from its headers to its last byte.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Metrics } from '../../lib/metrics.ts'
import type { OpenFile } from '../store/file-store.ts'
import type { FileOrders, Relayed } from '../workers/file-orders.ts'
import { type Admission, createAdmission } from './admission.ts'
import { createChunkCache } from './chunk-cache.ts'
import { answerFor, type FileAnswer, lengthOf } from './file-answer.ts'
import { createRunningDownloads, type RunningDownloads } from './running.ts'
import { type RateLimit, type Sending, type SendMethods, sendPart } from './send-bytes.ts'
import { openZeroCopy } from './zero-copy.ts'

/** What all downloads share: the methods of sending, the limits, and the file workers, if there are any. */
export type Transfers = {
  methods: SendMethods
  admission: Admission
  running: RunningDownloads
  orders?: FileOrders
  metrics?: TransferMetrics | undefined
}

/** What counts downloads. */
export type TransferMetrics = Pick<Metrics, 'transferStarted' | 'transferBytes' | 'transferEnded' | 'transferRefused'>

/**
 * A request for a file, with the address of its client. The address determines the client's share of downloads. `boot` and
 * `name` describe the download while it runs.
 */
export type FileRequest = {
  incoming: IncomingMessage & { relayed?: Relayed }
  outgoing: ServerResponse
  address: string
  boot?: string | undefined
  name: string
}

/** The result of a download: `complete` if the last byte was handed to the system. */
export type Sent = { bytes: number; complete: boolean; durationMs: number }

const chunkBytes = 2 ** 20
const defaultWriteTimeoutMs = 120_000
/** Answers up to this size have no limit: a refusal would cost as much. A disk that is booted over HTTP requests such pieces. */
const unlimitedBytes = 256 * 1024
const unlimited: RateLimit = () => undefined

/** @param settings.cacheBytes memory for chunks of files that are not sent from the page cache */
export function createTransfers(
  settings: Parameters<typeof createSendMethods>[0] & Parameters<typeof createAdmission>[0],
  metrics?: TransferMetrics,
): Transfers {
  return {
    methods: createSendMethods(settings),
    admission: createAdmission(settings),
    running: createRunningDownloads(),
    metrics,
  }
}

export function createSendMethods(settings: {
  cacheBytes: number
  zeroCopy: boolean
  writeTimeoutMs?: number
}): SendMethods {
  const { cacheBytes, zeroCopy, writeTimeoutMs = defaultWriteTimeoutMs } = settings
  return {
    chunks: createChunkCache(cacheBytes, chunkBytes),
    zeroCopy: zeroCopy ? openZeroCopy() : undefined,
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
  { methods, admission, running, orders, metrics }: Transfers,
  file: OpenFile,
  headers: { ETag: string; 'Content-Type': string } & Record<string, string>,
  sent: (result: Sent) => void,
): Promise<Response> {
  const { outgoing, incoming, address, boot, name } = asked
  const { relayed } = incoming
  try {
    const answer = answerFor(incoming.method, incoming.headers, file.sizeBytes, headers)
    if (incoming.method === 'HEAD' || answer.part === undefined)
      return new Response(null, { status: answer.status, headers: answer.headers })
    const isSmall = lengthOf(answer.part) <= unlimitedBytes
    const entered = isSmall
      ? { rateLimit: unlimited, leave: () => {} }
      : admission.enter({ address, disconnect: relayed ? undefined : () => outgoing.destroy() })
    if ('retryAfterSeconds' in entered) {
      metrics?.transferRefused('boot')
      return busy(entered.retryAfterSeconds)
    }
    metrics?.transferStarted('boot')
    const { first: firstByte } = answer.part
    const download = isSmall
      ? undefined
      : running.begin({ boot, address, file: name, totalBytes: file.sizeBytes, firstByte })
    let counted = 0
    const moved = (bytes: number) => {
      counted += bytes
      metrics?.transferBytes('boot', bytes)
      download?.moved(bytes)
    }
    const ended = (result: Sent) => {
      entered.leave()
      download?.ended()
      metrics?.transferEnded('boot', result.complete ? 'complete' : 'interrupted')
      sent(result)
    }
    const sha256 = file.descriptor === undefined ? undefined : headers.ETag.slice(1, -1)
    const endedElsewhere = (result: Sent) => {
      // A worker that was killed reports no end, but has reported bytes.
      const bytes = Math.max(result.bytes, counted)
      moved(bytes - counted)
      ended({ ...result, bytes })
    }
    const order = sha256 && orders?.give(asked, { sha256, headers }, { moved, sent: endedElsewhere })
    if (order) return order
    const sending = { file, key: headers.ETag, methods, rateLimit: entered.rateLimit }
    ended(await transmit(outgoing, answer, sending, moved))
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
