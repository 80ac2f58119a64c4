import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { createChunkCache } from '../store/chunk-cache.ts'
import type { OpenFile } from '../store/file-store.ts'
import { type Admission, createAdmission } from './admission.ts'
import { answerFor, lengthOf } from './file-answer.ts'
import type { BootContext } from './request.ts'
import { type Pace, type SendWays, sendParts } from './send-bytes.ts'
import { openZeroCopy } from './zero-copy.ts'

/** What all downloads share: how bytes are sent, and how many at once. */
export type Transfers = { ways: SendWays; admission: Admission }

/** What went out: `complete` when the last byte was handed to the system. */
export type Sent = { bytes: number; complete: boolean; durationMs: number }

const chunkBytes = 2 ** 20
/** Answered however busy it is: to say no would cost as much. A disk that is booted over HTTP asks for such pieces. */
const alwaysBytes = 256 * 1024
const unhurried: Pace = () => undefined

/** @param cacheBytes memory for parts of files that are not sent from the page cache */
export function createTransfers(settings: {
  cacheBytes: number
  mostTransfers: number
  bytesPerSecond: number | undefined
  zeroCopy: boolean
}): Transfers {
  return {
    ways: {
      chunks: createChunkCache(settings.cacheBytes, chunkBytes),
      zeroCopy: settings.zeroCopy ? openZeroCopy() : undefined,
    },
    admission: createAdmission(settings),
  }
}

/**
 * Answers GET and HEAD for bytes that never change under their tag: with their length, never chunked, in ranges if asked. It
 * writes to Node's response itself: through web streams the same costs twice the processor time. Busy, it answers 503
 * with Retry-After. Closes the file. `sent` is called once for a GET that began, when it has ended either way.
 */
export async function sendFile(
  c: BootContext,
  { ways, admission }: Transfers,
  file: OpenFile,
  headers: { ETag: string; 'Content-Type': string } & Record<string, string>,
  sent: (result: Sent) => void,
): Promise<Response> {
  const { outgoing, incoming } = c.env
  try {
    const answer = answerFor(incoming.method, incoming.headers, file.sizeBytes, headers)
    const sizeBytes = answer.parts.reduce((sum, part) => sum + lengthOf(part), 0)
    if (incoming.method === 'HEAD' || answer.parts.length === 0)
      return new Response(null, { status: answer.status, headers: answer.headers })
    const entered = sizeBytes <= alwaysBytes ? { pace: unhurried, leave: () => {} } : admission.enter()
    if ('retryAfterSeconds' in entered) return busy(entered.retryAfterSeconds)

    const startedAt = performance.now()
    let bytes = 0
    try {
      outgoing.writeHead(answer.status, answer.headers)
      const sending = { outgoing, file, key: headers.ETag, ways, pace: entered.pace }
      await sendParts(sending, answer.parts, (more) => {
        bytes += more
      })
      outgoing.end()
    } catch {
      // The length is promised already: cutting the connection is the only way to say that it will not be kept.
      outgoing.destroy()
    } finally {
      entered.leave()
    }
    sent({ bytes, complete: bytes === sizeBytes, durationMs: Math.round(performance.now() - startedAt) })
    return RESPONSE_ALREADY_SENT
  } finally {
    await file.close()
  }
}

function busy(retryAfterSeconds: number): Response {
  return new Response('The boot server sends as many files as it may: ask again later.\n', {
    status: 503,
    headers: {
      'Retry-After': String(retryAfterSeconds),
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
    },
  })
}
