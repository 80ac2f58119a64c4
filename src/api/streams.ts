import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'

/** A body made of texts as they come, no faster than they are read. When the reader goes away the source is ended. */
export function streamOf(texts: AsyncGenerator<string>, onCancel: () => void = () => {}): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await texts.next()
        if (done) controller.close()
        else controller.enqueue(encoder.encode(value))
      },
      cancel: async () => {
        onCancel()
        await texts.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}

/** Lets the connection of a request be silent for so long, while the server works on the answer. */
export function allowSilence(context: Context, silenceMs: number): void {
  const incoming = (context.env as { incoming?: IncomingMessage } | undefined)?.incoming
  incoming?.socket?.setTimeout(silenceMs)
}
