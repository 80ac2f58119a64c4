// Answers that are read line by line.
import type { Client } from './client.ts'

/** The lines of a streamed text. */
export async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let partial = ''
  for await (const text of texts) {
    const lines = (partial + text).split('\n')
    partial = lines.pop() ?? ''
    yield* lines
  }
  if (partial !== '') yield partial
}

/** The JSON lines that a POST answers, as they arrive. */
export async function* streamLines<Line>(client: Client, path: string, body: unknown): AsyncGenerator<Line> {
  const { texts } = await client.stream('POST', path, { bytes: JSON.stringify(body), type: 'application/json' })
  for await (const line of linesOf(texts)) if (line.trim() !== '') yield JSON.parse(line) as Line
}
