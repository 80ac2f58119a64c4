// Answers in JSON lines, or as one summary of them.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import { readLines } from './lines.ts'
import { streamOf } from './streams.ts'

export const ndjson = 'application/x-ndjson'
const maxItems = 1000
const maxLineBytes = 2 ** 20

/** The error in the last of the JSON lines if the work fails after the status was sent. */
export const serverFailed = 'internal error; the log of the server has the reason'

/**
 * True if a client wants one JSON document instead of JSON lines. If Accept does not decide, as with many generated
 * clients, the answer has the media type of the request.
 */
export function asksForSummary(context: Context): boolean {
  const json = 'application/json'
  const isJson = context.req.header('content-type')?.split(';')[0]?.trim().toLowerCase() === json
  return accepts(context, { header: 'Accept', supports: [ndjson, json], default: isJson ? json : ndjson }) === json
}

/** The schema of a summary: the fields of the last line, and the earlier lines that matter. */
export function summaryOf(end: z.ZodRawShape, item: z.ZodType) {
  return z.object({
    ...end,
    items: z.array(item).openapi({ description: `The first ${maxItems} items.` }),
    omitted: z.int().optional().openapi({ description: 'The number of further items; absent if zero.' }),
  })
}

/** Parses the lines of an answer of JSON lines, without blank lines. */
export async function* parseLines<Line extends object>(texts: AsyncIterable<string>): AsyncGenerator<Line> {
  const bytes = async function* () {
    for await (const text of texts) yield Buffer.from(text)
  }
  for await (const { text } of readLines(bytes(), maxLineBytes))
    if (text !== undefined && text.trim() !== '') yield JSON.parse(text) as Line
}

/** Reads all lines. Returns the last line; its `items` are the earlier lines for which `matters` holds. */
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

/** A response of JSON lines, produced no faster than the client reads them. */
export function linesResponse(
  texts: AsyncGenerator<string>,
  onEnd?: () => Promise<void> | void,
  status = 200,
): Response {
  return new Response(streamOf(texts, onEnd), { status, headers: { 'content-type': `${ndjson}; charset=utf-8` } })
}
