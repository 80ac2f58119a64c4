// The query of a change of what machines boot, and the schema of the machines that it concerns.
import { z } from '@hono/zod-openapi'
import { textFlag } from '../common.ts'
import type { Given } from '../json.ts'

export const changeQuery = z.strictObject({
  dryRun: textFlag.openapi({ description: 'Check the request and report what would change. Nothing changes.' }),
  count: textFlag.openapi({
    description: 'Count the machines that the change concerns. A dry run always counts them.',
  }),
})

export const concernsSchema = z
  .object({
    applied: z.boolean().openapi({ description: 'False for a dry run.' }),
    machines: z.int().openapi({ description: 'The number of machines that boot something else, or in another way.' }),
    checked: z.int().openapi({ description: 'The number of machines that were compared.' }),
    more: z.boolean().openapi({
      description:
        'A limit of time or machines was reached. The numbers are lower bounds: other machines were not compared.',
    }),
    changes: z
      .array(
        z.object({
          before: z.string().openapi({ example: 'image debian-12 version 1' }),
          after: z.string().openapi({ example: 'image debian-12 version 2' }),
          machines: z.int(),
        }),
      )
      .openapi({
        description: 'The next boot of these machines before and after the change. At most the 20 largest groups.',
      }),
  })
  .openapi('Concerns', { description: 'The machines that a change concerns, as they were when it was made.' })
export type Concerns = Given<typeof concernsSchema>

/** The field of an answer. */
export const concerns = concernsSchema
  .optional()
  .openapi({ description: 'The machines that the change concerns. Only with `count` or `dryRun`.' })

export const deletedSchema = z.object({ concerns: concernsSchema }).openapi('Deleted')
export type Deleted = Given<typeof deletedSchema>
