// /boots: how boots went.
import { z } from '@hono/zod-openapi'
import { findBoot, listBoots } from '../../inventory/boots/boots.ts'
import { listBootEvents } from '../../inventory/boots/events.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import { NotFoundError, requireFound } from '../../lib/errors.ts'
import type { BootEvent, BootSummary } from '../../model/boot.ts'
import { failureOf, refusalOf } from '../../model/codes/explain.ts'
import { isMachineInScope } from '../access/rights.ts'
import { endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import { bootList, bootSchema, bootsQuery } from '../schemas/boots/boot.ts'
import { uuidv7 } from '../schemas/common.ts'

export const list = endpoint({
  operationId: 'listBoots',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'List boots, newest first',
  query: bootsQuery,
  returns: bootList,
  statuses: { 200: 'One page' },
  answer: async (
    { db },
    { query: { limit: max, before, machine: key, deployment: deploymentId, image, outcome, since }, scope },
  ) => {
    const machineId = key === undefined ? undefined : (await findMachine(db, key))?.id
    if (key !== undefined && machineId === undefined) return { status: 200, body: { items: [] } }
    const { items, ...next } = await page(
      max,
      (count) => listBoots(db, { machineId, deploymentId, image, outcome, since, scope }, count, before),
      (boot) => boot.id,
    )
    return { status: 200, body: { items: items.map(summaryOf), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getBoot',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'Get a boot with its events, its script and its decision',
  params: z.object({ id: uuidv7 }),
  returns: bootSchema,
  statuses: { 200: 'The boot' },
  answer: async ({ db }, { params: { id }, scope }) => {
    const boot = await findBoot(db, id)
    requireFound(boot, `boot ${id}`)
    if (!(await isMachineInScope(db, scope, boot.machineId))) throw new NotFoundError(`there is no boot ${id}`)
    const events = (await listBootEvents(db, id)).map(eventOf)
    const { decision, facts, script, ...summary } = boot
    return { status: 200, body: { ...summaryOf(summary), events, facts, decision, script } }
  },
})

/** A boot in lists. Messages are stored as reported, so that old boots are decoded with the newest tables. */
export function summaryOf({ seq: _, refusalCode, ...boot }: BootSummary) {
  const failure = boot.outcome === 'failed' ? (refusalOf(refusalCode) ?? failureOf(boot.message)) : undefined
  return { ...withoutNulls(boot), ...(failure && { failure }) }
}

function eventOf(event: BootEvent) {
  const failure = event.stage === 'failed' ? failureOf(event.message) : undefined
  return { ...event, ...(failure && { failure }) }
}
