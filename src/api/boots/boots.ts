import { z } from '@hono/zod-openapi'
import { findBoot, listBoots } from '../../inventory/boots/boots.ts'
import { listBootEvents } from '../../inventory/boots/events.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { type BootSummary, outcomes, stages } from '../../model/boot.ts'
import { endpoint } from '../http/endpoint.ts'
import { factsSchema } from '../machines/machines.ts'
import { decisionSchema } from '../schemas/boots/decision.ts'
import { imageName, instant, limit, machineKey, moment, page, pageOf, uuidv7, withoutNulls } from '../schemas/common.ts'

const bootSummary = z
  .object({
    id: uuidv7,
    machineId: uuidv7.optional(),
    name: z.string().optional().openapi({ description: 'What the machine was called then.' }),
    mac: z.string().optional(),
    ip: z.string(),
    image: imageName.optional(),
    version: z.int().optional().openapi({ description: "The image's version." }),
    deploymentId: uuidv7.optional().openapi({ description: 'The deployment that it was an attempt of.' }),
    stage: z.enum(stages).openapi({ description: 'The last thing seen.' }),
    movedAt: moment,
    progress: z.string().optional().openapi({ description: 'The step that its installer reported last.' }),
    heardAt: moment.optional().openapi({
      description:
        'When the machine last reported anything. An installer that repeats its step is heard but has not moved.',
    }),
    outcome: z.enum(outcomes).optional().openapi({
      description:
        'Absent while the boot goes on. handed-over: it left for its disk or for a system that reports nothing. stalled: it stopped moving; message has the likely causes.',
    }),
    message: z.string().optional(),
    startedAt: moment,
    endedAt: moment.optional(),
  })
  .openapi('BootSummary')

const bootEvent = z
  .object({
    ip: z.string(),
    stage: z.enum(stages),
    file: z.string().optional(),
    bytes: z.int().optional(),
    durationMs: z.int().optional(),
    message: z.string().optional(),
    at: moment,
  })
  .openapi('BootEvent')

const bootSchema = bootSummary
  .extend({
    events: z.array(bootEvent),
    facts: factsSchema,
    decision: decisionSchema,
    script: z.string().openapi({ description: 'As it was served, without its token.' }),
  })
  .openapi('Boot')

export const list = endpoint({
  operationId: 'listBoots',
  summary: 'Boots, newest first',
  query: z.strictObject({
    limit,
    before: uuidv7.optional().openapi({ description: 'The `next` of the page before.' }),
    machine: machineKey.optional(),
    deployment: uuidv7.optional(),
    image: imageName.optional(),
    outcome: z
      .enum([...outcomes, 'open'])
      .optional()
      .openapi({ description: 'open: those that still go on.' }),
    since: instant.optional().openapi({ description: 'Started at this moment or later.' }),
  }),
  returns: pageOf(bootSummary).openapi('BootList'),
  statuses: { 200: 'One page' },
  answer: async (
    { db },
    { query: { limit: most, before, machine: key, deployment: deploymentId, image, outcome, since } },
  ) => {
    const machineId = key === undefined ? undefined : (await findMachine(db, key))?.id
    if (key !== undefined && machineId === undefined) return { status: 200, body: { items: [] } }
    const { items, ...next } = await page(
      most,
      (count) => listBoots(db, { machineId, deploymentId, image, outcome, since }, count, before),
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
    const { decision, facts, script, ...summary } = boot
    return { status: 200, body: { ...summaryOf(summary), events, facts, decision, script } }
  },
})

function summaryOf({ seq: _, ...boot }: BootSummary) {
  return withoutNulls(boot)
}
