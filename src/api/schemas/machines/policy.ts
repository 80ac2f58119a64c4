// Request and response schemas of the policy for machines without an assignment.
import { z } from '@hono/zod-openapi'
import { imageName } from '../common.ts'
import type { Given } from '../json.ts'
import { everyBoot, pinnedVersion, thingName } from './assignment.ts'
import { type Concerns, concerns } from './concerns.ts'

export const policySchema = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({ kind: z.literal('local') }).openapi('PolicyLocal', { description: 'Boot from the local disk.' }),
      z
        .strictObject({ kind: z.literal('wait') })
        .openapi('PolicyWait', { description: 'Wait and retry until the machine has an assignment.' }),
      z
        .strictObject({ kind: z.literal('menu'), menu: thingName })
        .openapi('PolicyMenu', { description: 'Show this menu.' }),
      z
        .strictObject({
          kind: z.literal('image'),
          image: imageName,
          version: pinnedVersion.optional(),
          everyBoot: everyBoot.optional(),
        })
        .openapi('PolicyImage', { description: 'Boot this image.' }),
    ],
    { error: (issue) => (issue.code === 'invalid_union' ? 'local, wait, menu or image' : undefined) },
  )
  .openapi('Policy', { description: 'The default for machines that have no assignment and match no group.' })
export type Policy = Given<typeof policySchema>

export const policyPut = z
  .object({
    kind: z.enum(['local', 'wait', 'menu', 'image']),
    menu: thingName.optional(),
    image: imageName.optional(),
    version: pinnedVersion.optional(),
    everyBoot: everyBoot.optional(),
    concerns,
  })
  .openapi('PolicySaved')
export type PolicySaved = Policy & { concerns?: Concerns }
