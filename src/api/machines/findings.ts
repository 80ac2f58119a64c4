import { z } from '@hono/zod-openapi'
import { findingCodes, listFindings } from '../../inventory/machines/identity/findings.ts'
import { endpoint } from '../http/endpoint.ts'
import { uuidv7 } from '../schemas/common.ts'

const findingSchema = z
  .object({
    code: z.enum(findingCodes),
    machines: z.array(z.object({ id: uuidv7, name: z.string() })),
    what: z.string(),
    nextStep: z.string().openapi({ description: 'The command that settles it.' }),
  })
  .openapi('Finding', { description: 'Something in the inventory that an operator should settle.' })

export const list = endpoint({
  operationId: 'listFindings',
  summary: 'List what should be settled: identities in doubt, and machines that install at every boot',
  returns: z.object({ items: z.array(findingSchema) }).openapi('FindingList'),
  statuses: { 200: 'The findings, at most 200 of each kind' },
  answer: async ({ db }) => ({ status: 200, body: { items: await listFindings(db) } }),
})
