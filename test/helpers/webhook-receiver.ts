import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export type ReceivedMessage = { headers: Record<string, string>; body: string }

export type WebhookReceiver = {
  url: string
  /** All messages so far, the oldest first. */
  received: ReceivedMessage[]
  stop: () => void
}

/** Receives webhooks. `answer` returns the status for a path and the number of the message, from 1. For 0, no response is sent. */
export async function startWebhookReceiver(answer: (path: string, count: number) => number): Promise<WebhookReceiver> {
  const received: ReceivedMessage[] = []
  const server = createServer(async (request, response) => {
    received.push({ headers: request.headers as Record<string, string>, body: await text(request) })
    const status = answer(request.url ?? '', received.length)
    if (status > 0) response.writeHead(status, { location: `${url}/elsewhere` }).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    received,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
