// Response schema of what names a menu or an answer file.
import { z } from '@hono/zod-openapi'
import type { Given } from '../json.ts'

export const usesSchema = z
  .object({
    assigned: z.int().openapi({ description: 'The number of machines whose own assignment names it.' }),
    groups: z.array(z.string()).openapi({ description: 'The groups that assign it.' }),
    menus: z
      .array(z.object({ menu: z.string(), entry: z.string() }))
      .openapi({ description: 'The entries of menus that name it.' }),
    policy: z.boolean().openapi({ description: 'The policy names it.' }),
    deployments: z.int().openapi({ description: 'The number of active deployments that name it.' }),
  })
  .openapi('Uses', { description: 'The users of a menu or an answer file. It cannot be deleted before they change.' })
export type Uses = Given<typeof usesSchema>
