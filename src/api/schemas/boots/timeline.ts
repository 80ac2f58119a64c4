// Request and response schemas of a machine's timeline.
import { isIPv4 } from 'node:net'
import { z } from '@hono/zod-openapi'
import { findingCodes } from '../../../model/findings/table.ts'
import { instant, machineKey, moment, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'
import { bootEvent, bootSummary } from './boot.ts'

const address = z
  .string()
  .refine(isIPv4, 'an IPv4 address')
  .transform((text) => ({ address: text }))

/** A machine, a MAC that never became a machine, or an address. A host name never looks like an address. */
export const timelineKey = z.union([address, machineKey]).openapi({
  type: 'string',
  description:
    'A machine by one of its MAC addresses, its id, its UUID or its host name. A MAC address without a machine and an IPv4 address work too.',
  example: '52-54-00-12-34-56',
})

export const timelineQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^[0-9]{1,3}$/, 'a whole number from 1 to 100')
    .transform(Number)
    .refine((count) => count >= 1 && count <= 100, 'a whole number from 1 to 100')
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: 100, default: 10, description: 'The maximum number of boots.' }),
  since: instant.optional().openapi({ description: 'Events at this time or later.' }),
  before: instant
    .optional()
    .openapi({ description: 'Events before this time; the `next` value of the previous page.' }),
})

const timelineLine = bootEvent
  .extend({
    times: z.int().openapi({ description: 'How often the event was seen, alone or in a repeated sequence.' }),
    lastAt: moment.openapi({ description: 'When it was last seen.' }),
  })
  .openapi('TimelineLine')

const gap = z
  .object({
    text: z.string().openapi({ example: 'fetched snponly.efi twice, and never asked for /boot.ipxe' }),
    code: z
      .enum(findingCodes as [string, ...string[]])
      .optional()
      .openapi({
        description: 'The finding with the likely causes and the next steps.',
        example: 'BW-IPXE-LOOP',
      }),
    title: z.string().optional().openapi({ description: 'The title of the finding.' }),
    at: moment,
  })
  .openapi('Gap', { description: 'Something that should have followed and did not.' })

export const timelineSchema = z
  .object({
    machine: z.object({ id: uuidv7, hostname: z.string().optional() }).optional(),
    macs: z.array(z.string()),
    addresses: z.array(z.string()).openapi({ description: 'The addresses that these MACs had.' }),
    attempts: z.array(
      z
        .object({
          boot: bootSummary.optional().openapi({ description: 'Absent if the machine never got a script.' }),
          startedAt: moment,
          endedAt: moment,
          lines: z.array(timelineLine),
          gaps: z.array(gap),
        })
        .openapi('Attempt'),
    ),
    next: moment.optional().openapi({ description: 'The `before` value of the next page. Absent on the last page.' }),
  })
  .openapi('Timeline', {
    description: 'The attempts of a machine to boot, newest first, from DHCP to its reports.',
  })
export type Timeline = Given<typeof timelineSchema>
