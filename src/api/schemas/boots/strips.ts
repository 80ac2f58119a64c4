// Request and response schemas of strips: the last boots of several machines.
import { z } from '@hono/zod-openapi'
import { maxStripBoots } from '../../../inventory/boots/now/strips.ts'
import { outcomes, stages } from '../../../model/boot.ts'
import { deploymentStates } from '../../../model/deployment.ts'
import { failure, imageName, moment, refuse, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'

const maxIds = 100

export const stripsQuery = z.strictObject({
  ids: z
    .string()
    .transform((text, context) => {
      const ids = [...new Set(text.split(',').map((id) => id.trim().toLowerCase()))]
      const wrong = ids.find((id) => !uuidv7.safeParse(id).success)
      if (wrong !== undefined || ids.length > maxIds) return refuse(context, `1 to ${maxIds} ids of machines`)
      return ids
    })
    .openapi({
      type: 'string',
      description: `Ids of machines, separated by commas; at most ${maxIds}.`,
      example: '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f,0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e70',
    }),
})

const stripBoot = z
  .object({
    id: uuidv7,
    outcome: z.enum(outcomes).optional().openapi({ description: 'Absent while the boot is in progress.' }),
    stage: z.enum(stages).openapi({ description: 'The last stage that was seen.' }),
    image: imageName.optional(),
    version: z.int().optional().openapi({ description: 'The version of the image.' }),
    startedAt: moment,
    durationMs: z.int().optional().openapi({
      description:
        'The time from the script to the outcome. For a stalled boot: to its last stage. Absent while it runs.',
    }),
    message: z.string().optional(),
    failure: failure.optional(),
  })
  .openapi('StripBoot')

export const stripList = z
  .object({
    items: z.array(
      z
        .object({
          machineId: uuidv7,
          boots: z.array(stripBoot).openapi({
            description: `The last ${maxStripBoots} boots, newest first. Empty if the machine never booted, or does not exist.`,
          }),
          deployment: z
            .object({ id: uuidv7, image: imageName, state: z.enum(deploymentStates) })
            .optional()
            .openapi({ description: 'The active deployment of the machine.' }),
        })
        .openapi('Strip'),
    ),
  })
  .openapi('StripList')
export type StripList = Given<typeof stripList>
/** The last boots of a machine, and its active deployment. */
export type Strip = StripList['items'][number]
export type StripBoot = Strip['boots'][number]
