// Live parts of pages: an event stream of the API, with each document rendered as HTML.
import type { Visit } from '../../http/visit.ts'

/** Seconds until a refused client retries, if the API names no time. */
const retrySeconds = '30'

/**
 * A stream of server-sent events with a rendered part for each document of an event stream of the API. An event `tick` says
 * that nothing changed. The stream ends with that of the API, and so with the session.
 */
export async function streamParts<Document>(
  { api, signal }: Pick<Visit, 'api' | 'signal'>,
  path: string,
  render: (document: Document) => Promise<string>,
): Promise<Response> {
  const source = await api.open(path, signal)
  if (!source.ok || source.body === null) {
    const after = source.headers.get('retry-after') ?? retrySeconds
    await source.body?.cancel()
    // Without these headers htmx would put the empty answer into the page.
    return new Response(null, { status: source.status, headers: { 'retry-after': after, 'hx-reswap': 'none' } })
  }
  const body = source.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(splitEvents())
    .pipeThrough(
      new TransformStream<string, string>({
        transform: async (event, controller) => {
          const data = dataOf(event)
          controller.enqueue(
            data === undefined ? 'event: tick\n\n' : eventOf(await render(JSON.parse(data) as Document)),
          )
        },
      }),
    )
    .pipeThrough(new TextEncoderStream())
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  }
  return new Response(body, { headers })
}

/** Cuts a text into events, which end with an empty line. */
function splitEvents(): TransformStream<string, string> {
  let begun = ''
  return new TransformStream({
    transform: (text, controller) => {
      const parts = `${begun}${text}`.split('\n\n')
      begun = parts.pop() ?? ''
      for (const part of parts) controller.enqueue(part)
    },
  })
}

/** The data of an event; undefined for a comment. */
function dataOf(event: string): string | undefined {
  const lines = event.split('\n').filter((line) => line.startsWith('data: '))
  return lines.length === 0 ? undefined : lines.map((line) => line.slice(6)).join('\n')
}

function eventOf(html: string): string {
  const lines = html.split('\n').filter((line) => line.trim() !== '')
  return `${lines.map((line) => `data: ${line}\n`).join('')}\n`
}
