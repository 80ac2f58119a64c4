// /machines/bulk: create or change many machines with one upload, row by row or all or nothing.
import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import type { Db } from '../../db/open.ts'
import { type MachineTally, openMachineTally } from '../../decide/concerns/concerns.ts'
import type { Actor } from '../../inventory/changes/changes.ts'
import { refreshStatistics, saveMachineRows } from '../../inventory/machines/bulk.ts'
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
import { problem } from '../http/problems.ts'
import { spool } from '../http/spool.ts'
import { allowSilence } from '../http/streams.ts'
import { type BulkCounts, bulkEnd, bulkQuery, machineRow, rowOutcome } from '../schemas/machines/bulk.ts'
import { csvColumns } from './csv.ts'
import { exportOf, machineRows, openRows, type ReadRow, type RowFormat, rowFormats } from './rows.ts'

const maxUploadBytes = 256 * 2 ** 20
const maxRows = 250_000
const rowsAtOnce = 1000
const manyRows = 1000
const batchBytes = 4 * 2 ** 20
const silenceMs = 600_000

type Rows = () => AsyncGenerator<ReadRow>
type Options = { dryRun: boolean; count: boolean; details: boolean; by: Actor }

export const upsert = endpoint({
  operationId: 'upsertMachines',
  action: 'machines.edit',
  summary: 'Create or change many machines at once',
  description: `Each line is a machine, as NDJSON or CSV; in application/json and application/yaml the body is a list of MachineRow. The key is the first of these that
the row has: \`id\`, \`mac\`, \`macs\`, \`uuid\`, \`serial\` with \`product\`. A MAC address that no machine has creates a machine.

The first line of a CSV has the headings: ${csvColumns.join(', ')}, label.KEY, param.KEY. MACs and args are separated by spaces. An image cell may pin a version: debian-12@3. A param is
parsed as JSON; if that fails, it is text. An empty cell changes nothing.

The answer has a line \`{"line", "errors": [{"field", "value", "expected"}]}\` for each bad row. Its last line is
\`{"rows", "created", "changed", "unchanged", "failed", "applied"}\`, with \`"concerns"\` for \`dryRun\` and \`count\`. If that line is missing, the upload was interrupted, and
\`"error"\` has the reason. With \`Accept: application/json\`, or if the body is application/json, the answer is one document at the end.
It has the fields of the last line, and the bad rows as its \`items\`. Repeating an upload changes nothing, so it takes no Idempotency-Key. At most ${maxRows} rows and
${maxUploadBytes} bytes.`,
  query: bulkQuery,
  bodyIsBytes: true,
  bodyTypes: rowFormats,
  bodyJson: z.array(machineRow),
  returns: z.string(),
  returnsTypes: [ndjson],
  returnsSummary: summaryOf(bulkEnd, rowOutcome).openapi('MachinesUpserted'),
  statuses: { 200: 'The outcome of the rows', 422: 'A row is bad and atomic is set: nothing was changed' },
  answer: async ({ db, log }, { query, by }, context) => {
    const { dryRun = false, count = dryRun, atomic = false, details = false, mode = 'merge' } = query
    const format = formatOf(context.req.header('content-type'))
    const upload = await spool(context, maxUploadBytes)
    try {
      allowSilence(context, silenceMs)
      const rows = await openRows(upload.read, format, machineRows(mode))
      const options = { dryRun, count, details, by }
      const { status, body } = atomic
        ? await allOrNothing(db, rows, options, upload.folder)
        : { status: 200 as const, body: rowByRow(db, rows, options, log) }
      if (!asksForSummary(context)) return linesResponse(body, upload.remove, status)
      const summary = await summarize(parseLines<EndLine>(body), (line) => 'line' in line)
      await upload.remove()
      return 'error' in summary ? interrupted(summary) : context.json(summary, status)
    } catch (error) {
      await upload.remove()
      throw error
    }
  },
})

/** The format of an upload. @throws HTTPException 415 */
export function formatOf(type: string | undefined): RowFormat {
  const format = rowFormats.find((format) => format === type?.split(';')[0]?.trim().toLowerCase())
  if (format !== undefined) return format
  throw new HTTPException(415, {
    message: `Content-Type: expected ${rowFormats.join(' or ')}, got ${type ?? 'nothing'}`,
  })
}

type EndLine = BulkCounts & ({ applied: boolean } | { error: string; fault: boolean })

/** The answer to an interrupted upload, for a client that asked for one document. */
function interrupted({ error, fault, created, changed }: Extract<EndLine, { error: string }>): Response {
  return problem({
    status: fault ? 422 : 500,
    detail: `${error}; before that, ${created} machines were created and ${changed} changed`,
  })
}

/** Saves good rows batch by batch, even if other rows are bad. */
async function* rowByRow(db: Db, rows: Rows, options: Options, log: AdminDeps['log']): AsyncGenerator<string> {
  const counts = noRows()
  let sentAt = Date.now()
  try {
    const tally = options.count ? await openMachineTally(db) : undefined
    for await (const results of save(db, rows(), options, counts, tally)) {
      // A space keeps the connection of a long upload alive; JSON ignores a space before a value.
      const text = results.map(lineOf).join('') || (Date.now() - sentAt > 10_000 ? ' ' : '')
      if (text !== '') sentAt = Date.now()
      yield text
    }
    if (!options.dryRun) await afterUpload(db, counts)
    yield endLine(counts, tally, !options.dryRun)
  } catch (error) {
    log.error({ error: messageOf(error), ...counts }, 'bulk upload interrupted')
    const fault = error instanceof InputError || error instanceof ConflictError
    yield json({ error: fault ? error.message : serverFailed, fault, ...counts })
  }
}

class RolledBackError extends Error {
  override name = 'RolledBackError'
}

/** Tries all rows. If none of them is bad, saves all in one transaction. */
async function allOrNothing(
  db: Db,
  rows: Rows,
  options: Options,
  folder: string,
): Promise<{ status: 200 | 422; body: AsyncGenerator<string> }> {
  const path = join(folder, 'bad-rows')
  let tally: MachineTally | undefined
  const run = async (on: Db, dryRun: boolean): Promise<BulkCounts> => {
    const counts = noRows()
    tally = options.count ? await openMachineTally(on) : undefined
    const found = save(on, rows(), { ...options, dryRun }, counts, tally)
    await pipeline(async function* () {
      for await (const results of found) yield results.map(lineOf).join('')
    }, createWriteStream(path))
    return counts
  }
  let counts = await run(db, true)
  let applied = false
  if (counts.failed === 0 && !options.dryRun) {
    applied = await db
      .transaction(async (tx) => {
        counts = await run(tx, false)
        // Another request changed the inventory after the trial.
        if (counts.failed > 0) throw new RolledBackError()
        return true
      })
      .catch((error: unknown) => (error instanceof RolledBackError ? false : Promise.reject(error)))
    if (applied) await afterUpload(db, counts)
  }
  const body = async function* () {
    for await (const chunk of createReadStream(path, 'utf8')) yield chunk as string
    yield endLine(counts, tally, applied)
  }
  return { status: counts.failed > 0 ? 422 : 200, body: body() }
}

async function afterUpload(db: Db, { created, changed }: BulkCounts): Promise<void> {
  if (created + changed >= manyRows) await refreshStatistics(db)
}

function endLine(counts: BulkCounts, tally: MachineTally | undefined, applied: boolean): string {
  return json({ ...counts, applied, ...(tally && { concerns: { applied, ...tally.result() } }) })
}

function noRows(): BulkCounts {
  return { rows: 0, created: 0, changed: 0, unchanged: 0, failed: 0 }
}

/** Saves rows batch by batch, counts the outcomes, and yields the results to report. @throws InputError for too many rows */
async function* save(
  db: Db,
  rows: AsyncIterable<ReadRow>,
  options: Options,
  counts: BulkCounts,
  tally: MachineTally | undefined,
): AsyncGenerator<(BadRow | PlannedRow)[]> {
  const earlier = nothingEarlier()
  for await (const batch of batches(rows)) {
    counts.rows += batch.length
    if (counts.rows > maxRows)
      throw new InputError({ field: 'body', value: `more than ${maxRows} rows`, expected: `at most ${maxRows} rows` })
    const good = batch.filter((row): row is MachineRow => 'key' in row)
    const results = [
      ...batch.filter((row): row is BadRow => 'faults' in row),
      ...(await saveMachineRows(db, good, options, earlier)),
    ]
    for (const result of results) counts['faults' in result ? 'failed' : result.outcome] += 1
    const planned = results.filter((row): row is PlannedRow => 'outcome' in row && row.outcome !== 'unchanged')
    await tally?.pin(planned.map(({ after }) => after.assignment))
    for (const row of planned) tally?.change(row)
    const reported = results.filter((row) => 'faults' in row || (options.details && row.outcome !== 'unchanged'))
    // An empty batch is yielded too: if the client has disconnected, the work ends here.
    yield reported.sort((a, b) => a.line - b.line)
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
