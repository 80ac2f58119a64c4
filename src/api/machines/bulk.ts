import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import type { Db } from '../../db/open.ts'
import type { Actor } from '../../inventory/changes/changes.ts'
import { saveMachineRows } from '../../inventory/machines/bulk.ts'
import { type BadRow, type MachineRow, nothingEarlier, type PlannedRow } from '../../inventory/machines/plan.ts'
import { ConflictError, InputError, messageOf } from '../../lib/errors.ts'
import { nameOf } from '../../model/machine.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import {
  asksForSummary,
  linesResponse,
  ndjson,
  parseLines,
  serverFailed,
  summarize,
  summaryOf,
} from '../http/json-lines.ts'
import { fieldFaultSchema, problem } from '../http/problems.ts'
import { spool } from '../http/spool.ts'
import { allowSilence } from '../http/streams.ts'
import { csvColumns } from './csv.ts'
import { exportOf, machineRow, openRows, type ReadRow, type RowFormat, rowFormats } from './rows.ts'

const mostUploadBytes = 256 * 2 ** 20
const mostRows = 250_000
const rowsAtOnce = 1000
const batchBytes = 4 * 2 ** 20
const silenceMs = 600_000

const flag = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .optional()
  .openapi({ type: 'boolean', default: false })

const countsShape = { rows: z.int(), created: z.int(), changed: z.int(), unchanged: z.int(), failed: z.int() }
const rowOutcome = z
  .object({
    line: z.int(),
    errors: z.array(fieldFaultSchema).optional(),
    outcome: z.enum(['created', 'changed']).optional(),
    machine: z.string().optional(),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
  })
  .openapi('RowOutcome', {
    description: 'A bad row with its errors; with `details` also a row that makes or changes a machine.',
  })

type Rows = () => AsyncGenerator<ReadRow>
type Options = { dryRun: boolean; details: boolean; by: Actor }
type Counts = { rows: number; created: number; changed: number; unchanged: number; failed: number }

export const upsert = endpoint({
  operationId: 'upsertMachines',
  summary: 'Enter or change many machines at once',
  description: `Each line is a machine, as NDJSON or as CSV; in application/json they are a list of MachineRow. Its key is \`id\` where
it says one, else \`mac\`, else \`macs\`, else \`uuid\`, else \`serial\` with \`product\`; with a MAC that no machine has a machine is made.

The first line of a CSV has the headings: ${csvColumns.join(', ')}, label.KEY, param.KEY. MACs and args stand with spaces between them; a param is JSON
or else text; an empty cell says nothing.

The answer has a line \`{"line", "errors": [{"field", "value", "expected"}]}\` for each row that is bad, and at its end
\`{"rows", "created", "changed", "unchanged", "failed", "applied"}\`; without that last line the work was broken off, and
\`"error"\` says so. With \`Accept: application/json\`, and to rows that come as application/json, the answer is one document, when all is done: that last line, with the bad rows
as its \`items\`. The same upload again changes nothing: that is why it takes no Idempotency-Key. At most ${mostRows} rows and
${mostUploadBytes} bytes.`,
  query: z.strictObject({
    dryRun: flag.openapi({ description: 'Change nothing, and say what would be done.' }),
    details: flag.openapi({
      description:
        'Also a line `{"line", "outcome", "machine", "before", "after"}` for each row that creates or changes a machine: its name, and what was and will be entered of it.',
    }),
    atomic: flag.openapi({
      description:
        'All or nothing: with a bad row nothing is changed, and the status is 422. Boots may wait meanwhile on the embedded database.',
    }),
    mode: z.enum(['merge', 'replace']).optional().openapi({
      default: 'merge',
      description:
        'merge: what a row leaves out stays, as with PATCH: labels and params are merged by name, null removes one. replace: it is cleared, as with PUT.',
    }),
  }),
  bodyIsBytes: true,
  bodyTypes: rowFormats,
  bodyJson: z.array(machineRow),
  returns: z.string(),
  returnsTypes: [ndjson],
  returnsSummary: summaryOf({ ...countsShape, applied: z.boolean() }, rowOutcome).openapi('MachinesUpserted'),
  statuses: { 200: 'What became of the rows', 422: 'atomic, and a row is bad: nothing is changed' },
  answer: async ({ db, log }, { query, by }, context) => {
    const { dryRun = false, atomic = false, details = false, mode = 'merge' } = query
    const format = formatOf(context.req.header('content-type'))
    const upload = await spool(context, mostUploadBytes)
    try {
      allowSilence(context, silenceMs)
      const rows = await openRows(upload.read, format, mode)
      const options = { dryRun, details, by }
      const { status, body } = atomic
        ? await allOrNothing(db, rows, options, upload.folder)
        : { status: 200 as const, body: rowByRow(db, rows, options, log) }
      if (!asksForSummary(context)) return linesResponse(body, upload.remove, status)
      const summary = await summarize(parseLines<EndLine>(body), (line) => 'line' in line)
      await upload.remove()
      return 'error' in summary ? brokenOff(summary) : context.json(summary, status)
    } catch (error) {
      await upload.remove()
      throw error
    }
  },
})

function formatOf(type: string | undefined): RowFormat {
  const format = rowFormats.find((one) => one === type?.split(';')[0]?.trim().toLowerCase())
  if (format !== undefined) return format
  throw new HTTPException(415, {
    message: `Content-Type: expected ${rowFormats.join(' or ')}, got ${type ?? 'nothing'}`,
  })
}

type EndLine = Counts & ({ applied: boolean } | { error: string; fault: boolean })

/** An upload that broke off, for a client that asked for one document. */
function brokenOff({ error, fault, created, changed }: Extract<EndLine, { error: string }>): Response {
  return problem({
    status: fault ? 422 : 500,
    detail: `${error}; created ${created} and changed ${changed} until then`,
  })
}

/** Good rows are saved batch by batch, whatever becomes of the others. */
async function* rowByRow(db: Db, rows: Rows, options: Options, log: AdminDeps['log']): AsyncGenerator<string> {
  const counts = noRows()
  let saidAt = Date.now()
  try {
    for await (const told of save(db, rows(), options, counts)) {
      // A space before a JSON value means nothing, and keeps the connection of a long upload alive.
      const text = told.map(lineOf).join('') || (Date.now() - saidAt > 10_000 ? ' ' : '')
      if (text !== '') saidAt = Date.now()
      yield text
    }
    yield json({ ...counts, applied: !options.dryRun })
  } catch (error) {
    log.error({ error: messageOf(error), ...counts }, 'a bulk upload was broken off')
    const fault = error instanceof InputError || error instanceof ConflictError
    yield json({ error: fault ? error.message : serverFailed, fault, ...counts })
  }
}

class RolledBackError extends Error {
  override name = 'RolledBackError'
}

/** All rows are tried, and only when none of them is bad they are saved, in one transaction. */
async function allOrNothing(
  db: Db,
  rows: Rows,
  options: Options,
  folder: string,
): Promise<{ status: 200 | 422; body: AsyncGenerator<string> }> {
  const path = join(folder, 'bad-rows')
  const run = async (on: Db, dryRun: boolean): Promise<Counts> => {
    const counts = noRows()
    const found = save(on, rows(), { ...options, dryRun }, counts)
    await pipeline(async function* () {
      for await (const told of found) yield told.map(lineOf).join('')
    }, createWriteStream(path))
    return counts
  }
  let counts = await run(db, true)
  let applied = false
  if (counts.failed === 0 && !options.dryRun) {
    applied = await db
      .transaction(async (tx) => {
        counts = await run(tx as unknown as Db, false)
        // Another request came between the trial and this.
        if (counts.failed > 0) throw new RolledBackError()
        return true
      })
      .catch((error: unknown) => (error instanceof RolledBackError ? false : Promise.reject(error)))
  }
  const body = async function* () {
    for await (const chunk of createReadStream(path, 'utf8')) yield chunk as string
    yield json({ ...counts, applied })
  }
  return { status: counts.failed > 0 ? 422 : 200, body: body() }
}

function noRows(): Counts {
  return { rows: 0, created: 0, changed: 0, unchanged: 0, failed: 0 }
}

/** Saves rows batch by batch, counts what they come to, and gives those of each batch that are told of. @throws InputError for too many rows */
async function* save(
  db: Db,
  rows: AsyncIterable<ReadRow>,
  options: Options,
  counts: Counts,
): AsyncGenerator<(BadRow | PlannedRow)[]> {
  const earlier = nothingEarlier()
  for await (const batch of batches(rows)) {
    counts.rows += batch.length
    if (counts.rows > mostRows)
      throw new InputError({ field: 'body', value: `more than ${mostRows} rows`, expected: `at most ${mostRows} rows` })
    const sound = batch.filter((row): row is MachineRow => 'key' in row)
    const results = [
      ...batch.filter((row): row is BadRow => 'faults' in row),
      ...(await saveMachineRows(db, sound, options, earlier)),
    ]
    for (const result of results) counts['faults' in result ? 'failed' : result.outcome] += 1
    const told = results.filter((row) => 'faults' in row || (options.details && row.outcome !== 'unchanged'))
    // Also when it is nothing: this is where a reader that went away ends the work.
    yield told.sort((a, b) => a.line - b.line)
  }
}

async function* batches(rows: AsyncIterable<ReadRow>): AsyncGenerator<(MachineRow | BadRow)[]> {
  let batch: (MachineRow | BadRow)[] = []
  let sizeBytes = 0
  for await (const read of rows) {
    batch.push(read.row)
    sizeBytes += read.sizeBytes
    if (batch.length < rowsAtOnce && sizeBytes < batchBytes) continue
    yield batch
    batch = []
    sizeBytes = 0
  }
  if (batch.length > 0) yield batch
}

function lineOf(row: BadRow | PlannedRow): string {
  if ('faults' in row) return json({ line: row.line, errors: row.faults })
  const { line, outcome, before, after } = row
  return json({ line, outcome, machine: nameOf(after), before: before && exportOf(before), after: exportOf(after) })
}

function json(value: object): string {
  return `${JSON.stringify(value)}\n`
}
