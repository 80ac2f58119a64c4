// Request and response schemas of the audit log.
import { z } from '@hono/zod-openapi'
import { changeNouns, changeTypes } from '../../../inventory/changes/types.ts'
import { instant, limit, moment, pageOf, printable, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'

export const changeSchema = z
  .object({
    id: z.int(),
    at: moment,
    actor: z.string().openapi({ description: '`token NAME`, `operator`, `machine MAC`, or `bootwright` itself.' }),
    type: z.string().openapi({ description: 'A type that GET /change-types lists.', example: 'machine.changed' }),
    subject: z.string().openapi({ description: 'A machine by its id, a group by its name, …' }),
    machine: z
      .object({ id: uuidv7, mac: z.string().optional(), hostname: z.string().optional() })
      .optional()
      .openapi({ description: 'The machine that the change is about, if any: its id, first MAC and host name.' }),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
  })
  .openapi('Change', { description: 'A change: who made it, and the values before and after.' })
export type Change = Given<typeof changeSchema>

export const changeList = pageOf(changeSchema).openapi('ChangeList')

/** A type of changes, or a noun for all of its types. */
export const changeFilter = z
  .enum([...changeNouns, ...changeTypes], {
    error: `a type of changes or its noun: ${changeNouns.join(', ')}; see GET /change-types`,
  })
  .openapi('ChangeFilter', { example: 'deployment.failed' })

export const changesQuery = z.strictObject({
  limit,
  before: z
    .string()
    .regex(/^\d{1,15}$/, 'the `next` value of the previous page')
    .transform(Number)
    .optional()
    .openapi({ type: 'integer', description: 'The `next` value of the previous page.' }),
  subject: printable(128)
    .optional()
    .openapi({ description: 'A machine by its id, a MAC, its UUID or its host name; anything else by its name.' }),
  actor: printable(160).optional(),
  type: changeFilter.optional(),
  since: instant.optional(),
  until: instant.optional(),
})

export const changeTypeList = z
  .object({ items: z.array(z.object({ noun: z.enum(changeNouns), types: z.array(z.enum(changeTypes)) })) })
  .openapi('ChangeTypeList')
export type ChangeTypeList = Given<typeof changeTypeList>

export const eventsQuery = z.strictObject({
  after: z.string().optional().openapi({ description: 'The `id` of an event; 0-0 is the beginning.', example: '0-0' }),
  types: z.string().optional().openapi({
    description: 'Only these types or nouns, separated by commas.',
    example: 'machine,deployment.failed',
  }),
})
