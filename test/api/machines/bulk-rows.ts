import type { Api } from '../../helpers/api.ts'

/** The parsed answer to a bulk upload: the bad rows, and the last line. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into answers as they are
export type BulkReply = { status: number; bad: { line: number; errors: any[] }[]; summary: any; text: string }

/** Sends machines as NDJSON, or a text as CSV. */
export async function upload(api: Api, rows: object[] | string, query = ''): Promise<BulkReply> {
  const csv = typeof rows === 'string'
  const response = await api.app.request(`/api/v1/machines/bulk${query}`, {
    method: 'POST',
    headers: { 'content-type': csv ? 'text/csv' : 'application/x-ndjson' },
    body: csv ? rows : rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  })
  return parseReply(response.status, await response.text())
}

/** Parses an answer. */
export function parseReply(status: number, text: string): BulkReply {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line))
  return { status, bad: lines.slice(0, -1), summary: lines.at(-1), text }
}
