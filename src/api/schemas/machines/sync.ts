// Request and response schemas of the synchronization of machines, and of archived machines.
import { z } from '@hono/zod-openapi'
import type { ArchivedMachine as StoredArchived } from '../../../inventory/machines/sync/row.ts'
import { namePattern } from '../../../lib/ids/names.ts'
import { limit, mac, moment, pageOf, printable, textFlag, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'
import { fieldFault } from '../system/problem.ts'
import { concernsSchema } from './concerns.ts'
import { machineChange } from './machine.ts'

export const syncRow = z
  .strictObject({
    ...machineChange.shape,
    mac: mac.optional(),
    id: uuidv7.optional(),
    externalId: printable(128).optional().openapi({
      description: 'The id of the machine in the inventory of the owner. Another owner may use the same id.',
    }),
  })
  .openapi('SyncRow', { description: 'A machine as its owner describes it.' })

const flag = textFlag.openapi({ default: false })
const pruneLimit = z
  .string()
  .regex(/^(\d{1,6}|(\d{1,2}(\.\d{1,2})?|100)%)$/, 'a number of machines, or a percentage: 20 or 5%')
  .transform((text) => (text.endsWith('%') ? { percent: Number(text.slice(0, -1)) } : { count: Number(text) }))

const ownerName = z.string().regex(namePattern, 'a name: a-z, 0-9 and . _ -, up to 63 characters')

export const syncQuery = z.strictObject({
  owner: ownerName.openapi({
    description: 'The inventory that describes these machines. Fields that it sets are its own.',
    example: 'cmdb',
  }),
  dryRun: flag.openapi({ description: 'Change nothing; answer with the plan.' }),
  expect: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'the digest of a plan')
    .optional()
    .openapi({ description: 'The digest of the plan to carry out. If it is another plan now, the answer is 409.' }),
  prune: flag.openapi({
    description:
      'Archive the machines of the owner that no row names, and clear the fields of the owner that its rows no longer have.',
  }),
  pruneMax: pruneLimit.optional().openapi({
    type: 'string',
    default: '5%',
    description:
      'The limit of machines that prune removes, and of machines whose fields it clears: a number, or a percentage of the owner’s machines. Beyond it, nothing is changed and the answer is 409.',
  }),
  takeOver: flag.openapi({
    description: 'Also replace what people and other owners set. From then on these fields are the owner’s.',
  }),
})

export const machineRelease = z
  .union(
    [
      z.strictObject({
        fields: z
          .array(z.string().min(1).max(256))
          .min(1, 'at least one field')
          .max(256)
          .openapi({
            description: 'Paths as in `owners`: `hostname`, `labels.rack`, or `machine` for the entry of the machine.',
            example: ['labels.rack'],
          }),
        to: ownerName.optional().openapi({ description: 'Required if several owners name the machine.' }),
      }),
      z.strictObject({ from: ownerName }),
    ],
    { error: 'fields with to, or from' },
  )
  .openapi('MachineRelease')

const kept = z.object({
  field: z.string(),
  value: z.unknown().optional(),
  given: z.unknown().optional(),
  by: z.string(),
  at: z.string().optional(),
  isPerson: z.boolean(),
})

export const syncedRow = z
  .object({
    line: z.int().optional().openapi({ description: 'The row. Absent for a machine that no row names.' }),
    errors: z.array(fieldFault).optional(),
    outcome: z.enum(['created', 'changed', 'restored', 'unchanged', 'archived', 'released', 'kept']).optional(),
    id: uuidv7.optional(),
    machine: z.string().optional(),
    externalId: z.string().optional(),
    changes: z
      .array(z.object({ field: z.string(), before: z.unknown().optional(), after: z.unknown().optional() }))
      .optional(),
    kept: z.array(kept).optional().openapi({
      description: 'Values that stay although the row has another one, because `by` set them.',
    }),
    why: z.string().optional(),
  })
  .openapi('SyncedRow', {
    description:
      'A bad row with its errors, a row with an effect or with values that stay, or a machine that no row names.',
  })

export const syncCounts = {
  rows: z.int(),
  created: z.int(),
  changed: z.int(),
  restored: z.int(),
  unchanged: z.int(),
  archived: z.int(),
  released: z.int().openapi({ description: 'Machines that the owner no longer names, and that others still have.' }),
  kept: z.int().openapi({ description: 'Values that stay because people or other owners set them.' }),
  failed: z.int(),
  applied: z.boolean(),
  digest: z.string(),
  concerns: concernsSchema,
  refusal: z.string().optional().openapi({ description: 'Why the limit of prune refuses this plan.' }),
}
export type SyncCounts = Given<z.ZodObject<typeof syncCounts>>

/** A line of the answer: a row or machine, or the last line with the counts. */
export type SyncLine = Partial<Given<typeof syncedRow>> & Partial<Omit<SyncCounts, 'kept'>> & { error?: string }

export const archivedMachine = z
  .object({
    id: uuidv7,
    name: z.string(),
    macs: z.array(z.string()),
    hostname: z.string().optional(),
    serial: z.string().optional(),
    product: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    sources: z.array(z.object({ owner: z.string(), externalId: z.string().optional() })),
    archivedAt: moment,
    archivedBy: z.string(),
    reason: z.string(),
  })
  .openapi('ArchivedMachine', { description: 'A machine that was taken out of use. It decides nothing.' })

export const archivedList = pageOf(archivedMachine).openapi('ArchivedMachineList')
export type Archived = Given<typeof archivedMachine>

export const archivedQuery = z.strictObject({
  limit,
  after: uuidv7.optional().openapi({ description: 'The `next` of the previous page.' }),
  q: printable(64)
    .optional()
    .openapi({ description: 'A part of the name or of a MAC address, or a whole outside id.' }),
})

/** An archived machine as the API shows it. */
export function archivedOf({ id, name, macs, machine, archivedAt, archivedBy, reason }: StoredArchived) {
  const { hostname, serial, product, labels, sources = [] } = machine
  const optional = Object.fromEntries(
    Object.entries({ hostname, serial, product }).filter(([, value]) => value !== undefined),
  ) as { hostname?: string; serial?: string; product?: string }
  return { id, name, macs, ...optional, labels, sources, archivedAt, archivedBy, reason }
}
