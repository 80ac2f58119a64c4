// Request and response schemas of the actions on a rollout.
import { z } from '@hono/zod-openapi'
import type { Given } from '../json.ts'
import { rolloutSchema } from './rollout.ts'

export const rolloutApprove = z
  .strictObject({
    wave: z.int().min(1).openapi({
      description: 'The number of the wave to end. If another wave is current, the answer is a conflict (409).',
    }),
  })
  .openapi('RolloutApprove')

const dryRun = z.boolean().default(false).openapi({ description: 'Change nothing; report the number of machines.' })

export const rolloutCancel = z.strictObject({ dryRun }).openapi('RolloutCancel')

export const rolloutRetry = z
  .strictObject({
    skipped: z.boolean().default(false).openapi({ description: 'Also the skipped machines.' }),
    dryRun,
  })
  .openapi('RolloutRetry')

export const rolloutRollback = z
  .strictObject({
    reinstall: z.boolean().default(false).openapi({
      description:
        'Of deploy: also arm the machines that began with the image that they had before. This wipes their disks at their next boot.',
    }),
    dryRun,
  })
  .openapi('RolloutRollback')

export const rolloutControlled = z
  .object({
    rollout: rolloutSchema,
    machines: z.int().openapi({
      description:
        'The machines that were taken back, wait again, or were rolled back. In a dry run, those that would be.',
    }),
    kept: z.int().openapi({ description: 'Of a roll back: the machines that stay as they are.' }),
  })
  .openapi('RolloutControlled')
export type RolloutControlled = Given<typeof rolloutControlled>
