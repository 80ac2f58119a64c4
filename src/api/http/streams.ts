// Streamed responses.
import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import type { FeedClient } from '../../inventory/changes/feed.ts'
import type { ApiEnv } from './endpoint.ts'
import { problem } from './problems.ts'

/**
 * A body that sends texts as they are produced, no faster than the client reads them. `onEnd` is called once: when the
 * texts end or fail, or when the client disconnects, even before the first text.
 */
export function streamOf(
  texts: AsyncGenerator<string>,
  onEnd: () => Promise<void> | void = () => {},
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await texts.next()
          if (!done) return controller.enqueue(encoder.encode(value))
        } catch (error) {
          await onEnd()
          throw error
        }
        controller.close()
        await onEnd()
      },
      cancel: async () => {
        await onEnd()
        await texts.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}

/** Server-sent events as a response. `onEnd` is called once, as in `streamOf`. */
export function eventsOf(texts: AsyncGenerator<string>, onEnd: () => void): Response {
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  }
  return new Response(streamOf(texts, onEnd), { headers })
}

/** The answer to a client that follows something which too many clients follow already. */
export function tooManyFollow(what: string): Response {
  return problem({
    status: 503,
    detail: `too many clients follow ${what}; try again later`,
    headers: { 'retry-after': '30' },
  })
}

/** Allows the connection of a request to be idle for this long, while the server prepares the answer. */
export function allowSilence(context: Context, silenceMs: number): void {
  const incoming = (context.env as { incoming?: IncomingMessage } | undefined)?.incoming
  incoming?.socket?.setTimeout(silenceMs)
}

/** The client of a stream, which ends with its token or session. The operator on the shell of the server has neither. */
export function feedClientOf(context: Context): FeedClient | undefined {
  const { kind, id, session } = (context as Context<ApiEnv>).get('principal')
  if (session !== undefined) return { session }
  return kind === 'token' && id !== undefined ? { token: id } : undefined
}
