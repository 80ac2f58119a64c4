// Answers that come line by line.
import type { Client } from './client.ts'

/** The lines of a text that comes in pieces. */
export async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const text of texts) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/** What a POST answers in JSON lines, as it comes. */
export async function* streamLines<Line>(client: Client, path: string, body: unknown): AsyncGenerator<Line> {
  const { texts } = await client.stream('POST', path, { bytes: JSON.stringify(body), type: 'application/json' })
  for await (const line of linesOf(texts)) if (line.trim() !== '') yield JSON.parse(line) as Line
}
