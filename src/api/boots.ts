import { z } from '@hono/zod-openapi'
import { NotFoundError } from '../errors.ts'
import { listBootEvents, stages } from '../inventory/boot-events.ts'
import { type Boot, findBoot, listBoots } from '../inventory/boots.ts'
import { findMachine } from '../inventory/machines.ts'
import { decisionSchema } from './decisions.ts'
import { endpoint } from './endpoint.ts'
import { imageName, limit, machineKey, moment, page, pageOf, uuidv7, withoutNulls } from './schemas.ts'

const outcomes = ['booted', 'installed', 'failed', 'superseded'] as const

const bootSummary = z
  .object({
    id: uuidv7,
    machineId: uuidv7.optional(),
    mac: z.string().optional(),
    ip: z.string(),
    image: imageName.optional(),
    version: z.int().optional().openapi({ description: "The image's version." }),
    outcome: z.enum(outcomes).optional().openapi({ description: 'Absent while the boot goes on.' }),
    message: z.string().optional(),
    startedAt: moment,
    endedAt: moment.optional(),
  })
  .openapi('BootSummary')

const stage = z.enum(stages)

const bootEvent = z
  .object({
    ip: z.string(),
    stage,
    file: z.string().optional(),
    bytes: z.int().optional(),
    durationMs: z.int().optional(),
    message: z.string().optional(),
    at: moment,
  })
  .openapi('BootEvent')

const bootSchema = bootSummary
  .extend({
    stage: stage.optional().openapi({ description: 'The last thing seen.' }),
    events: z.array(bootEvent),
    decision: decisionSchema,
  })
  .openapi('Boot')

export const list = endpoint({
  operationId: 'listBoots',
  summary: 'Boots, newest first',
  query: z.strictObject({
    limit,
    before: uuidv7.optional().openapi({ description: 'The `next` of the page before.' }),
    machine: machineKey.optional(),
    outcome: z
      .enum([...outcomes, 'open'])
      .optional()
      .openapi({ description: 'open: those that still go on.' }),
  }),
  returns: pageOf(bootSummary).openapi('BootList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: most, before, machine: key, outcome } }) => {
    const machineId = key === undefined || 'id' in key ? key?.id : (await findMachine(db, key))?.id
    if (key !== undefined && machineId === undefined) return { status: 200, body: { items: [] } }
    const { items, ...next } = await page(
      most,
      (count) => listBoots(db, { machineId, outcome }, count, before),
      (one) => one.id,
    )
    return { status: 200, body: { items: items.map(summaryOf), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getBoot',
  summary: 'A boot, all that was seen of it, and why it booted what it did',
  params: z.object({ id: uuidv7 }),
  returns: bootSchema,
  statuses: { 200: 'The boot' },
  answer: async ({ db }, { params: { id } }) => {
    const boot = await findBoot(db, id)
    if (boot === undefined) throw new NotFoundError(`there is no boot ${id}`)
    const events = await listBootEvents(db, id)
    return { status: 200, body: { ...summaryOf(boot), stage: events.at(-1)?.stage, events, decision: boot.decision } }
  },
})

function summaryOf({ decision: _, ...boot }: Boot) {
  return withoutNulls(boot)
}
