// Answers in JSON lines, or as one summary of them.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import { readLines } from './lines.ts'
import { streamOf } from './streams.ts'

export const ndjson = 'application/x-ndjson'
const maxItems = 1000
const maxLineBytes = 2 ** 20

/** The last line of an answer of JSON lines whose work was interrupted: the status is sent already. */
export const serverFailed = 'internal error; the log of the server has the reason'

/**
 * Whether a client wants one JSON document in place of JSON lines. Without a word in Accept (generated clients say any
 * type, or none) the answer is of the kind of the request.
 */
export function asksForSummary(context: Context): boolean {
  const json = 'application/json'
  const isJson = context.req.header('content-type')?.split(';')[0]?.trim().toLowerCase() === json
  return accepts(context, { header: 'Accept', supports: [ndjson, json], default: isJson ? json : ndjson }) === json
}

/** The schema of a summary: what the last line says, and the lines before it that matter. */
export function summaryOf(end: z.ZodRawShape, item: z.ZodType) {
  return z.object({
    ...end,
    items: z.array(item).openapi({ description: `The first ${maxItems} items.` }),
    omitted: z
      .int()
      .optional()
      .openapi({ description: 'The number of further items; absent if there are no further items.' }),
  })
}

/** The lines of an answer of JSON lines, read back; blank lines are skipped. */
export async function* parseLines<Line extends object>(texts: AsyncIterable<string>): AsyncGenerator<Line> {
  const bytes = async function* () {
    for await (const text of texts) yield Buffer.from(text)
  }
  for await (const { text } of readLines(bytes(), maxLineBytes))
    if (text !== undefined && text.trim() !== '') yield JSON.parse(text) as Line
}

/** Reads all lines; gives the last one, with those before it for which `matters` holds as its `items`. */
export async function summarize<Line extends object>(
  lines: AsyncIterable<Line>,
  matters: (line: Line) => boolean,
): Promise<Line & { items: Line[]; omitted?: number }> {
  const items: Line[] = []
  let last: Line | undefined
  let count = 0
  for await (const line of lines) {
    if (last !== undefined && matters(last)) {
      count += 1
      if (items.length < maxItems) items.push(last)
    }
    last = line
  }
  if (last === undefined) throw new Error('an answer of JSON lines had no last line')
  return { ...last, items, ...(count > items.length && { omitted: count - items.length }) }
}

/** Lines of JSON as a response, no faster than they are read. */
export function linesResponse(
  texts: AsyncGenerator<string>,
  onEnd?: () => Promise<void> | void,
  status = 200,
): Response {
  return new Response(streamOf(texts, onEnd), { status, headers: { 'content-type': `${ndjson}; charset=utf-8` } })
}
