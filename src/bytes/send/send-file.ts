// The answer to a request for a file, from its headers to its last byte.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { OpenFile } from '../store/file-store.ts'
import type { FileOrders, Relayed } from '../workers/file-orders.ts'
import { type Admission, createAdmission } from './admission.ts'
import { createChunkCache } from './chunk-cache.ts'
import { answerFor, type FileAnswer, lengthOf } from './file-answer.ts'
import { type RateLimit, type Sending, type SendMethods, sendPart } from './send-bytes.ts'
import { openZeroCopy } from './zero-copy.ts'

/** What all downloads share: how bytes are sent, how many at once, and by which workers, if there are any. */
export type Transfers = { methods: SendMethods; admission: Admission; orders?: FileOrders }

/** A request for a file, and the address of the client that counts for its share of downloads. */
export type FileRequest = {
  incoming: IncomingMessage & { relayed?: Relayed }
  outgoing: ServerResponse
  address: string
}

/** What went out: `complete` when the last byte was handed to the system. */
export type Sent = { bytes: number; complete: boolean; durationMs: number }

const chunkBytes = 2 ** 20
const usualPatienceMs = 120_000
/** Answered however busy it is: to say no would cost as much. A disk that is booted over HTTP asks for such pieces. */
const alwaysBytes = 256 * 1024
const unhurried: RateLimit = () => undefined

/** @param settings.cacheBytes memory for parts of files that are not sent from the page cache */
export function createTransfers(
  settings: Parameters<typeof createSendMethods>[0] & Parameters<typeof createAdmission>[0],
): Transfers {
  return { methods: createSendMethods(settings), admission: createAdmission(settings) }
}

export function createSendMethods(settings: {
  cacheBytes: number
  zeroCopy: boolean
  patienceMs?: number
}): SendMethods {
  const { cacheBytes, zeroCopy, patienceMs = usualPatienceMs } = settings
  return {
    chunks: createChunkCache(cacheBytes, chunkBytes),
    zeroCopy: zeroCopy ? openZeroCopy() : undefined,
    patienceMs,
  }
}

/**
 * Answers GET and HEAD for bytes that never change under their tag: with their length, never chunked, one range if asked. It
 * writes to Node's response itself: through web streams the same costs twice the processor time. Busy, it answers 503
 * with Retry-After. Closes the file. `sent` is called once for a GET that began, when it has ended either way.
 */
export async function sendFile(
  asked: FileRequest,
  { methods, admission, orders }: Transfers,
  file: OpenFile,
  headers: { ETag: string; 'Content-Type': string } & Record<string, string>,
  sent: (result: Sent) => void,
): Promise<Response> {
  const { outgoing, incoming, address } = asked
  const { relayed } = incoming
  try {
    const answer = answerFor(incoming.method, incoming.headers, file.sizeBytes, headers)
    if (incoming.method === 'HEAD' || answer.part === undefined)
      return new Response(null, { status: answer.status, headers: answer.headers })
    const entered =
      lengthOf(answer.part) <= alwaysBytes
        ? { rateLimit: unhurried, leave: () => {} }
        : admission.enter({ address, disconnect: relayed ? undefined : () => outgoing.destroy() })
    if ('retryAfterSeconds' in entered) return busy(entered.retryAfterSeconds)
    const ended = (result: Sent) => {
      entered.leave()
      sent(result)
    }
    const sha256 = file.descriptor === undefined ? undefined : headers.ETag.slice(1, -1)
    const order = sha256 && orders?.give(asked, { sha256, headers }, ended)
    if (order) return order
    ended(await transmit(outgoing, answer, { file, key: headers.ETag, methods, rateLimit: entered.rateLimit }))
    return RESPONSE_ALREADY_SENT
  } finally {
    await file.close()
  }
}

/** Writes an answer with its body. If the body cannot be sent to its end, the connection is closed. */
export async function transmit(
  outgoing: ServerResponse,
  answer: FileAnswer,
  sending: Omit<Sending, 'outgoing'>,
): Promise<Sent> {
  const startedAt = performance.now()
  let bytes = 0
  try {
    outgoing.writeHead(answer.status, answer.headers)
    if (answer.part !== undefined)
      await sendPart({ outgoing, ...sending }, answer.part, (more) => {
        bytes += more
      })
    outgoing.end()
  } catch {
    // The length is promised already: cutting the connection is the only way to say that it will not be kept.
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
