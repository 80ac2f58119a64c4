// What the API takes and gives of the policy: what machines boot that no assignment covers.
import { z } from '@hono/zod-openapi'
import { imageName } from '../common.ts'
import type { Given } from '../json.ts'
import { everyBoot, thingName } from './assignment.ts'

export const policySchema = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({ kind: z.literal('local') }).openapi('PolicyLocal', { description: 'Boot from the local disk.' }),
      z
        .strictObject({ kind: z.literal('wait') })
        .openapi('PolicyWait', { description: 'Retry until something is assigned to the machine.' }),
      z
        .strictObject({ kind: z.literal('menu'), menu: thingName })
        .openapi('PolicyMenu', { description: 'Show this menu.' }),
      z
        .strictObject({ kind: z.literal('image'), image: imageName, everyBoot: everyBoot.optional() })
        .openapi('PolicyImage', { description: 'Boot this image.' }),
    ],
    { error: (issue) => (issue.code === 'invalid_union' ? 'local, wait, menu or image' : undefined) },
  )
  .openapi('Policy', { description: 'Boot action if neither an assignment nor a group decides.' })
export type Policy = Given<typeof policySchema>
