// /machines/sync: synchronize machines with the rows of an owner, all or nothing.
import { setImmediate } from 'node:timers/promises'
import { z } from '@hono/zod-openapi'
import { type MachineTally, openMachineTally } from '../../../decide/concerns/concerns.ts'
import { refreshStatistics } from '../../../inventory/machines/bulk.ts'
import type { BadRow } from '../../../inventory/machines/plan.ts'
import type { SyncPlan, SyncRow } from '../../../inventory/machines/sync/row.ts'
import { countsOf, maxSyncRows, type Synced, syncMachines } from '../../../inventory/machines/sync/sync.ts'
import { InputError } from '../../../lib/errors.ts'
import { endpoint } from '../../http/endpoint.ts'
import { asksForSummary, linesResponse, ndjson, parseLines, summarize, summaryOf } from '../../http/json-lines.ts'
import { faultsOf } from '../../http/problems.ts'
import { spool } from '../../http/spool.ts'
import { allowSilence } from '../../http/streams.ts'
import type { Concerns } from '../../schemas/machines/concerns.ts'
import { type SyncCounts, syncCounts, syncedRow, syncQuery, syncRow } from '../../schemas/machines/sync.ts'
import { formatOf } from '../bulk.ts'
import { openRows, type RowReader, rowFormats } from '../rows.ts'
import { planLines } from './lines.ts'

const maxUploadBytes = 256 * 2 ** 20
const silenceMs = 600_000
const manyRows = 1000
const machinesAtOnce = 200
const defaultPruneMax = { percent: 5 }

const reader: RowReader<SyncRow> = { columns: ['externalId'], check: checkSyncRow }

export const sync = endpoint({
  operationId: 'syncMachines',
  action: 'machines.edit',
  summary: 'Create, change or remove machines as another inventory has them, all or nothing',
  description: `Each row is a machine as its owner describes it, in the formats of POST /machines/bulk; a CSV also has the heading externalId.
A row finds its machine by the first of these: \`id\`, \`externalId\`, its MAC addresses, \`uuid\`, \`serial\` with \`product\`. The order of
rows does not matter, and two rows may exchange MAC addresses. If nothing fits, a machine is created.

Only that owner or a person replaces the fields that an owner sets. Fields that a row leaves out stay, unless \`prune\` is set. Preview with \`dryRun\`,
and send the \`digest\` of the preview as \`expect\`. If a row is bad, nothing is changed and the status is 422.

The answer has a line for each bad row (\`{"line", "errors"}\`), for each row with an effect, and for each machine that is removed. Its last
line has the counts, and in \`concerns\` what the machines boot before and after it. With \`Accept: application/json\`, the answer is one document, with the lines as its \`items\`. While another sync of the same
owner is running, the answer is 409. On the embedded database, boots may wait meanwhile. At most ${maxSyncRows} rows.`,
  query: syncQuery,
  bodyIsBytes: true,
  bodyTypes: rowFormats,
  bodyJson: z.array(syncRow),
  returns: z.string(),
  returnsTypes: [ndjson],
  returnsSummary: summaryOf(syncCounts, syncedRow).openapi('MachinesSynced'),
  statuses: { 200: 'The plan, or what was done', 422: 'A row is bad: nothing was changed' },
  answer: async ({ db }, { query, by }, context) => {
    const { owner, dryRun = false, expect, prune = false, pruneMax = defaultPruneMax, takeOver = false } = query
    const format = formatOf(context.req.header('content-type'))
    const upload = await spool(context, maxUploadBytes)
    try {
      allowSilence(context, silenceMs)
      const { rows, bad } = await readRows(await openRows(upload.read, format, reader))
      const how = { owner, prune, pruneMax, takeOver, expect }
      const tally = await openMachineTally(db)
      // A bad row refuses all of them, so the others are only planned.
      const synced = await syncMachines(db, rows, { ...how, dryRun: dryRun || bad.length > 0 }, by)
      const done = { ...synced, plan: { ...synced.plan, bad: [...bad, ...synced.plan.bad] } }
      const concerns = await concernsOf(tally, done)
      const counts = { ...allCounts(done, rows.length + bad.length), concerns }
      if (counts.applied && counts.created + counts.changed >= manyRows) await refreshStatistics(db)
      const status = done.plan.bad.length > 0 ? 422 : 200
      const body = planLines(done.plan, counts, owner)
      if (!asksForSummary(context)) return linesResponse(body, undefined, status)
      return context.json(await summarize(parseLines<SyncCounts>(body), () => true), status)
    } finally {
      await upload.remove()
    }
  },
})

/** @throws InputError for too many rows */
async function readRows(
  open: () => AsyncGenerator<{ row: SyncRow | BadRow }>,
): Promise<{ rows: SyncRow[]; bad: BadRow[] }> {
  const rows: SyncRow[] = []
  const bad: BadRow[] = []
  for await (const { row } of open()) {
    if ('faults' in row) bad.push(row)
    else rows.push(row)
    if (rows.length + bad.length > maxSyncRows)
      throw new InputError({
        field: 'body',
        value: `more than ${maxSyncRows} rows`,
        expected: `at most ${maxSyncRows} rows`,
      })
  }
  return { rows, bad }
}

function checkSyncRow(line: number, value: object): SyncRow | BadRow {
  const checked = syncRow.safeParse(value)
  if (!checked.success) return { line, faults: checked.error.issues.flatMap((issue) => faultsOf(issue, value)) }
  const { mac: address, id, externalId, macs, ...change } = checked.data
  const named = address === undefined ? macs : [...new Set([address, ...(macs ?? [])])]
  return { line, id, externalId, change: { ...change, ...(named !== undefined && { macs: named }) } }
}

/** What the machines of the plan boot before and after it. */
async function concernsOf(tally: MachineTally, { plan, applied }: Synced): Promise<Concerns> {
  const machines = changedIn(plan)
  await tally.pin(machines.map(({ after }) => after?.assignment))
  for (const [index, machine] of machines.entries()) {
    tally.change(machine)
    // Machines that boot meanwhile are answered.
    if (index % machinesAtOnce === 0) await setImmediate()
  }
  return { applied, ...tally.result() }
}

function changedIn({ rows, moved, removals }: SyncPlan) {
  const removed = removals.flatMap(({ outcome, machine, after = machine }) =>
    outcome === 'kept' ? [] : [{ before: machine, after: outcome === 'archived' ? undefined : after }],
  )
  return [...rows.filter(({ outcome }) => outcome !== 'unchanged'), ...moved, ...removed]
}

function allCounts({ plan, applied, digest, refusal }: Synced, rows: number): Omit<SyncCounts, 'concerns'> {
  const kept = plan.rows.reduce((sum, row) => sum + row.kept.length, 0)
  const failed = new Set(plan.bad.map(({ line }) => line)).size
  return { rows, ...countsOf(plan), kept, failed, applied, digest, ...(refusal !== undefined && { refusal }) }
}
