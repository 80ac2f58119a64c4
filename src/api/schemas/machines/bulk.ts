// Request and response schemas of the bulk upload and the export of machines.
import { z } from '@hono/zod-openapi'
import { mac, textFlag, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'
import { fieldFault } from '../system/problem.ts'
import { changeQuery, concerns } from './concerns.ts'
import { machineChange } from './machine.ts'
import { machineSearch } from './search.ts'

export const machineRow = z
  .strictObject({ ...machineChange.shape, mac: mac.optional(), id: uuidv7.optional() })
  .openapi('MachineRow', { description: 'A MachineChange, and the machine that it is for.' })

const flag = textFlag.openapi({ default: false })

export const bulkQuery = z.strictObject({
  dryRun: flag.openapi({ description: 'Change nothing; report what would change.' }),
  count: changeQuery.shape.count,
  details: flag.openapi({
    description:
      'Also write a line `{"line", "outcome", "machine", "before", "after"}` for each row that creates or changes a machine. It has the name of the machine, and the entered fields before and after.',
  }),
  atomic: flag.openapi({
    description:
      'All or nothing: if a row is bad, nothing is changed and the status is 422. On the embedded database, boots may wait meanwhile.',
  }),
  mode: z.enum(['merge', 'replace']).optional().openapi({
    default: 'merge',
    description:
      'With `merge`, fields that a row leaves out stay, as with PATCH. Labels and params are merged by name, and null removes an entry. With `replace`, fields that a row leaves out are cleared, as with PUT.',
  }),
})

export const bulkCounts = { rows: z.int(), created: z.int(), changed: z.int(), unchanged: z.int(), failed: z.int() }
export type BulkCounts = Given<z.ZodObject<typeof bulkCounts>>

export const rowOutcome = z
  .object({
    line: z.int(),
    errors: z.array(fieldFault).optional(),
    outcome: z.enum(['created', 'changed']).optional(),
    machine: z.string().optional(),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
  })
  .openapi('RowOutcome', {
    description: 'A bad row with its errors. With `details`, also a row that creates or changes a machine.',
  })

/** The fields of the last line after success. */
export const bulkEnd = { ...bulkCounts, applied: z.boolean(), concerns }

/** A line of the answer: the outcome of a row, or the last line with the counts and, after a failure, the error. */
export type BulkLine = Partial<Given<typeof rowOutcome> & Given<z.ZodObject<typeof bulkEnd>> & { error: string }>

export const exportQuery = z.strictObject({
  format: z.enum(['ndjson', 'csv']).optional().openapi({ default: 'ndjson' }),
  ...machineSearch,
})
