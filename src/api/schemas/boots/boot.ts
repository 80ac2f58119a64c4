// Request and response schemas of a boot.
import { z } from '@hono/zod-openapi'
import { dhcpClientKinds, dhcpEventKinds, outcomes, stages } from '../../../model/boot.ts'
import { failure, imageName, instant, limit, machineKey, moment, pageOf, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'
import { factsSchema } from '../machines/machine.ts'
import { decisionSchema } from './decision.ts'

export const bootSummary = z
  .object({
    id: uuidv7,
    machineId: uuidv7.optional(),
    name: z.string().optional().openapi({ description: 'The name of the machine at that time.' }),
    mac: z.string().optional(),
    ip: z.string(),
    image: imageName.optional(),
    version: z.int().optional().openapi({ description: 'The version of the image.' }),
    deploymentId: uuidv7.optional().openapi({ description: 'The deployment that this boot was an attempt of.' }),
    stage: z.enum(stages).openapi({ description: 'The last stage that was seen.' }),
    movedAt: moment,
    progress: z.string().optional().openapi({ description: 'The last step that the installer reported.' }),
    heardAt: moment.optional().openapi({
      description: 'When the machine last reported anything. Repeating a step updates it, but not `movedAt`.',
    }),
    outcome: z.enum(outcomes).optional().openapi({
      description:
        'Absent while the boot is in progress. `handed-over` means that the machine continued from its disk, or with a system that does not report. `stalled` means that there is no progress; `message` lists the likely causes.',
    }),
    message: z.string().optional(),
    failure: failure.optional(),
    startedAt: moment,
    endedAt: moment.optional(),
  })
  .openapi('BootSummary')
export type BootSummary = Given<typeof bootSummary>

export const bootList = pageOf(bootSummary).openapi('BootList')
export type BootList = Given<typeof bootList>

export const bootsQuery = z.strictObject({
  limit,
  before: uuidv7.optional().openapi({ description: 'The `next` value of the previous page.' }),
  machine: machineKey.optional(),
  deployment: uuidv7.optional(),
  image: imageName.optional(),
  outcome: z
    .enum([...outcomes, 'open'])
    .optional()
    .openapi({ description: 'open: boots that are in progress.' }),
  since: instant.optional().openapi({ description: 'Boots that started at this time or later.' }),
})

export const bootEvent = z
  .object({
    ip: z.string().openapi({ description: '0.0.0.0 if the machine had no address yet.' }),
    mac: z.string().optional().openapi({ description: 'Only for DHCP: TFTP and HTTP carry no MAC.' }),
    stage: z.enum(stages),
    kind: z.enum(dhcpEventKinds).optional().openapi({ description: 'Of DHCP: what happened.' }),
    client: z.enum(dhcpClientKinds).optional().openapi({ description: 'Of DHCP: which client asked.' }),
    file: z.string().optional(),
    bytes: z.int().optional(),
    durationMs: z.int().optional(),
    message: z.string().optional(),
    failure: failure.optional(),
    at: moment,
  })
  .openapi('BootEvent')

export const bootSchema = bootSummary
  .extend({
    events: z.array(bootEvent),
    facts: factsSchema,
    decision: decisionSchema,
    script: z.string().openapi({ description: 'The script that was served, without its token.' }),
  })
  .openapi('Boot')
export type Boot = Given<typeof bootSchema>
