// Answers that come line by line.
import type { Client } from './client.ts'

/** The lines of a text that comes in pieces. */
export async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let partial = ''
  for await (const text of texts) {
    const lines = (partial + text).split('\n')
    partial = lines.pop() ?? ''
    yield* lines
  }
  if (partial !== '') yield partial
}

/** What a POST answers in JSON lines, as it comes. */
export async function* streamLines<Line>(client: Client, path: string, body: unknown): AsyncGenerator<Line> {
  const { texts } = await client.stream('POST', path, { bytes: JSON.stringify(body), type: 'application/json' })
  for await (const line of linesOf(texts)) if (line.trim() !== '') yield JSON.parse(line) as Line
}
