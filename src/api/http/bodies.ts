// The body of a request, as a stream of bytes.
import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'

/** The request object of Node; undefined in tests that call the app without a server. */
export function incomingOf(context: Context): IncomingMessage | undefined {
  return (context.env as { incoming?: IncomingMessage } | undefined)?.incoming
}

/** Reads the body as it arrives. If the reader stops early, the connection stays open, so that an answer can be sent. */
export async function* bodyOf(context: Context, maxBytes: number): AsyncGenerator<Uint8Array> {
  const incoming = incomingOf(context)
  const chunks =
    incoming?.iterator({ destroyOnReturn: false }) ?? context.req.raw.body?.values({ preventCancel: true }) ?? []
  let sizeBytes = 0
  try {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes)
      yield chunk
    }
  } catch (error) {
    throw incoming?.destroyed && !incoming.complete
      ? new HTTPException(400, { message: 'the upload ended early', cause: error })
      : error
  }
}

export function tooLarge(maxBytes: number): HTTPException {
  return new HTTPException(413, { message: `file too large: expected at most ${maxBytes} bytes` })
}
