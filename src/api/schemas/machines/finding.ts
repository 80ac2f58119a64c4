// Response schemas of problems that an operator should resolve.
import { z } from '@hono/zod-openapi'
import { inventoryFindingCodes } from '../../../inventory/machines/identity/findings.ts'
import { uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'

export const findingList = z
  .object({
    items: z.array(
      z
        .object({
          code: z.enum(inventoryFindingCodes),
          machines: z.array(z.object({ id: uuidv7, name: z.string() })),
          what: z.string(),
          nextStep: z.string().openapi({ description: 'The command that resolves it.' }),
        })
        .openapi('Finding', { description: 'A problem in the inventory that an operator should resolve.' }),
    ),
  })
  .openapi('FindingList')
export type FindingList = Given<typeof findingList>
