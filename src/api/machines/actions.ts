// /machines/actions: change, enter or delete many machines at once, after a preview.
import { z } from '@hono/zod-openapi'
import type { Db } from '../../db/open.ts'
import { openMachineTally } from '../../decide/concerns/concerns.ts'
import { listDeleted } from '../../inventory/changes/deleted-machines.ts'
import { type ActionExample, actOnMachines, type MachineAction } from '../../inventory/machines/actions.ts'
import { auditViewOf } from '../../inventory/machines/machines.ts'
import type { MachineSearch } from '../../inventory/machines/search/condition.ts'
import { isSameJson } from '../../lib/canonical.ts'
import { requireFound } from '../../lib/errors.ts'
import type { Scope } from '../../model/access/scope.ts'
import { nameOf } from '../../model/machine.ts'
import { forbiddenForScope } from '../access/rights.ts'
import { endpoint } from '../http/endpoint.ts'
import { allowSilence, streamOf } from '../http/streams.ts'
import { type machineAction, machinesAct, machinesActed } from '../schemas/machines/action.ts'
import type { MachineFilter } from '../schemas/machines/search.ts'
import { findSearch } from './search.ts'

const silenceMs = 600_000
const rowsAtOnce = 1000

export const act = endpoint({
  operationId: 'actOnMachines',
  action: 'machines.edit',
  scope: 'filtered',
  summary: 'Change, enter or delete many machines at once',
  description: `Acts on the machines with some ids, or on all that match a filter, in one transaction. Preview with \`dryRun\`, and send the
\`changed\` of the preview as \`expect\`. Machines that are refused stay as they are: the answer counts them by reason. A machine with an
active deployment is not deleted. On the embedded database, boots may wait meanwhile.

After a deletion, \`undo\` has the path of the deleted machines as JSON lines. POST /machines/bulk creates them again, with new ids. Their
facts, secrets, power settings and deployments are not restored.`,
  body: machinesAct,
  returns: machinesActed,
  statuses: { 200: 'The changed and the refused machines' },
  answer: async ({ db }, { body: { ids, filter, action, dryRun, expect }, scope, by }, context) => {
    if (scope !== undefined && action.labels !== undefined) throw forbiddenForScope(scope)
    allowSilence(context, silenceMs)
    const search = await findTargets(db, ids, filter, scope)
    const tally = await openMachineTally(db)
    await tally.pin([action.assign ?? undefined])
    const options = { dryRun, expect, onChange: tally.change }
    const { tx, examples, ...result } = await actOnMachines(db, search, actionOf(action), options, by)
    const missing = ids === undefined ? 0 : ids.length - result.matched
    const undo = action.delete && tx !== undefined && result.changed > 0
    const body = {
      ...result,
      missing,
      examples: examples.map(exampleOf),
      applied: !dryRun,
      concerns: { applied: !dryRun, ...tally.result() },
      ...(undo && { undo: `/api/v1/machines/deleted?transaction=${tx}` }),
    }
    return { status: 200, body }
  },
})

export const deleted = endpoint({
  operationId: 'exportDeletedMachines',
  action: 'machines.edit',
  summary: 'Export deleted machines in the format of the bulk upload',
  description:
    'The entered machines that one action deleted, from the audit log. They can be exported as long as the audit log keeps their deletion.',
  query: z.strictObject({
    transaction: z
      .string()
      .regex(/^[0-9]{1,15}$/, 'the number in `undo` of the action')
      .transform(Number)
      .openapi({ type: 'integer' }),
  }),
  returns: z.string(),
  returnsTypes: ['application/x-ndjson'],
  statuses: { 200: 'The machines' },
  answer: async ({ db }, { query: { transaction } }) => {
    const first = await listDeleted(db, transaction, 1)
    requireFound(first[0], `deletion in the transaction ${transaction}`)
    const headers = { 'content-type': 'application/x-ndjson; charset=utf-8' }
    return new Response(streamOf(deletedLines(db, transaction)), { headers })
  },
})

async function* deletedLines(db: Db, transaction: number): AsyncGenerator<string> {
  for (let after = 0; ; ) {
    const rows = await listDeleted(db, transaction, rowsAtOnce, after)
    if (rows.length === 0) return
    yield rows
      .map(({ before }) => before as { discovered: boolean })
      // Discovered machines are discovered again. An upload would enter them.
      .filter(({ discovered }) => !discovered)
      .map(({ discovered: _, ...row }) => `${JSON.stringify(row)}\n`)
      .join('')
    after = rows.at(-1)?.id ?? after
  }
}

/** The machines with these ids, or all that match the filter. */
export async function findTargets(
  db: Db,
  ids: string[] | undefined,
  filter: MachineFilter | undefined,
  scope: Scope | undefined,
): Promise<MachineSearch> {
  return ids === undefined ? findSearch(db, filter ?? {}, scope) : { ids, scope }
}

function actionOf(action: z.output<typeof machineAction>): MachineAction {
  const { assign, labels, enter } = action
  if (action.delete) return 'delete'
  if (assign !== undefined) return () => ({ assignment: assign })
  if (labels !== undefined) return () => ({ labels })
  if (enter === undefined) return () => ({ denied: action.deny === true })
  return ({ id }) => {
    const hostname = enter.hostnames?.[id]
    return hostname === undefined ? {} : { hostname }
  }
}

function exampleOf({ before, after }: ActionExample) {
  const old = fieldsOf(auditViewOf(before))
  const fresh = after === undefined ? {} : fieldsOf(auditViewOf(after))
  const differences = [...new Set([...Object.keys(old), ...Object.keys(fresh)])]
    .filter((field) => !isSameJson(old[field], fresh[field]))
    .map((field) => ({ field, before: old[field], after: fresh[field] }))
  return { id: before.id, machine: nameOf(before), differences }
}

/** Values by field, with `labels.rack` and `assignment.image`. */
function fieldsOf(view: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(view).flatMap(([field, value]) =>
      field === 'labels' || field === 'assignment'
        ? Object.entries(value as object).map(([name, inner]) => [`${field}.${name}`, inner])
        : [[field, value]],
    ),
  )
}
