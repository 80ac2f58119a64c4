// Bodies of answers that are streamed.
import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'

/**
 * A body made of texts as they come, no faster than they are read. `onEnd` is called once: when they end or fail, and when
 * the reader goes away, be it before the first.
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

/** Allows the connection of a request to be silent for this time while the server works on the answer. */
export function allowSilence(context: Context, silenceMs: number): void {
  const incoming = (context.env as { incoming?: IncomingMessage } | undefined)?.incoming
  incoming?.socket?.setTimeout(silenceMs)
}
