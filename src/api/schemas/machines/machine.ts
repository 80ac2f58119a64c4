// Request and response schemas of a machine.

import { z } from '@hono/zod-openapi'
import type { MachineField } from '../../../inventory/machines/fields.ts'
import { labelPattern } from '../../../lib/ids/names.ts'
import type { Machine as StoredMachine } from '../../../model/machine.ts'
import {
  arch,
  boardUuid,
  hostname,
  instant,
  mac,
  machineKey,
  moment,
  optionalTexts,
  pageOf,
  platform,
  printable,
  textFlag,
  uuidv7,
} from '../common.ts'
import type { Given, Sent } from '../json.ts'
import { assignment, assignmentChange } from './assignment.ts'
import { concerns } from './concerns.ts'

const labels = z
  .record(
    z.string().regex(labelPattern, 'a label: a-z, 0-9 and . _ / -, up to 63 characters'),
    printable(253).nullable(),
  )
  .refine((all) => Object.keys(all).length <= 64, 'at most 64 labels')
  .openapi({ example: { rack: 'b4' } })

const macs = z
  .array(mac)
  .min(1, 'at least one MAC address')
  .max(64, 'at most 64 MAC addresses')
  .nullable()
  .transform((all) => all ?? [])
  .optional()
  .openapi({
    description:
      'All MAC addresses of the machine. If absent, they stay; null removes them. A MAC address in the URL of a PUT is always among them.',
  })

/** The text fields that operators enter for a machine. */
const texts = {
  uuid: boardUuid.nullish(),
  serial: printable(128).nullish().openapi({ description: 'Identifies the machine together with `product`.' }),
  product: printable(128).nullish(),
  asset: printable(128).nullish(),
  hostname: hostname.nullish(),
  expectedBy: z.iso.date({ error: 'a day: YYYY-MM-DD' }).nullish().openapi({
    description: 'The day by which the machine is expected to ask for its first script.',
    example: '2027-03-31',
  }),
}

const entered = {
  ...texts,
  denied: z.boolean().nullish(),
  labels: labels.nullish(),
  assignment: assignmentChange.nullish(),
} satisfies Record<MachineField, z.ZodType>

export const machineChange = z.strictObject({ macs, ...entered }).openapi('MachineChange', {
  description:
    'The fields that operators enter for a machine; null clears a field. A merge (PATCH) keeps absent fields. A merge combines labels, params and the methods of localBoot by name, where null removes an entry. Lists are replaced as a whole.',
})
export type MachineChange = Sent<typeof machineChange>

export const factsSchema = z
  .object({
    mac: z.string(),
    uuid: z.string(),
    serial: z.string(),
    asset: z.string(),
    manufacturer: z.string(),
    product: z.string(),
    hostname: z.string(),
    platform,
    buildarch: arch,
    cpuarch: arch,
    version: z.string(),
    ip: z.string(),
    secureBoot: z.boolean(),
  })
  .partial()
  .openapi('Facts', { description: 'The facts that the machine last reported. They are not verified.' })
export type Facts = Given<typeof factsSchema>

export const machineSchema = z
  .object({
    id: uuidv7,
    name: z.string().optional().openapi({
      description: 'The name in lists and messages: the host name if no other machine has it, otherwise a MAC address.',
    }),
    discovered: z.boolean().openapi({ description: 'Seen on the network, but not entered by an operator.' }),
    macs: z.array(z.string().openapi({ example: '52:54:00:12:34:56' })),
    ...optionalTexts(texts),
    denied: z.boolean().openapi({ description: 'The machine is refused, whatever is assigned to it.' }),
    labels: z.record(z.string(), z.string()),
    assignment: assignment.optional(),
    owners: z
      .record(z.string(), z.union([z.string(), z.object({ by: z.string(), at: z.string() })]))
      .optional()
      .openapi({
        description:
          'The owner of each field, by path: the name of an owner that synchronizes, or a person with the time. People set the fields that are not here.',
        example: { hostname: 'cmdb', 'labels.rack': { by: 'ann', at: '2027-03-31T08:00:00.000Z' } },
      }),
    sources: z
      .array(z.object({ owner: z.string(), externalId: z.string().optional() }))
      .optional()
      .openapi({ description: 'The owners that name the machine in their synchronization, with its id there.' }),
    discoveredFrom: z.string().openapi({
      description:
        'The address at which the machine was discovered (for IPv6, the /64). Empty if an operator entered the machine.',
    }),
    facts: factsSchema,
    revision: z.int().openapi({ description: 'Incremented by each change that an operator makes.' }),
    createdAt: moment,
    updatedAt: moment,
    lastSeenAt: moment.optional(),
  } satisfies Record<keyof StoredMachine, z.ZodType>)
  .extend({
    notices: z
      .array(z.string())
      .optional()
      .openapi({ description: 'Warnings about this machine for operators. Not in lists.' }),
  })
  .openapi('Machine')
export type Machine = Given<typeof machineSchema>

export const machineSaved = machineSchema.extend({ concerns }).openapi('MachineSaved')
export type MachineSaved = Given<typeof machineSaved>

export const machineList = pageOf(machineSchema).openapi('MachineList')
export type MachineList = Given<typeof machineList>

export const machineMerge = z.strictObject({ from: machineKey }).openapi('MachineMerge')

export const forgetQuery = z.strictObject({
  notSeenSince: instant.optional(),
  address: z
    .union([z.ipv4(), z.ipv6()], { error: 'an IP address' })
    .optional()
    .openapi({ description: 'For IPv6, its whole /64.' }),
  dryRun: textFlag.openapi({ default: false }),
})

export const forgottenSchema = z.object({ forgotten: z.int(), applied: z.boolean() }).openapi('Forgotten')
export type Forgotten = Given<typeof forgottenSchema>

const machineRef = z.object({ id: uuidv7, name: z.string() })

export const conflictList = z
  .object({
    items: z.array(
      z
        .object({
          machines: z.array(machineRef),
          why: z.string(),
          facts: factsSchema,
          firstAt: moment,
          lastAt: moment,
          times: z.int(),
        })
        .openapi('Conflict', {
          description: 'A request that matches several machines. It is refused until the conflict is resolved.',
        }),
    ),
  })
  .openapi('ConflictList')
export type ConflictList = Given<typeof conflictList>
