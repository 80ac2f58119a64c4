// The parameters that select and sort machines, and the cursor of their list.
import { z } from '@hono/zod-openapi'
import { type MachineCursor, type MachineSort, machineOrders } from '../../../inventory/machines/list.ts'
import { factNames } from '../../../inventory/machines/search/condition.ts'
import { namePattern } from '../../../lib/ids/names.ts'
import { machineStateNames, machineStates } from '../../../model/machine.ts'
import {
  arch,
  boardUuid,
  hostname,
  imageName,
  instant,
  isPrintable,
  platform,
  printable,
  refuse,
  textFlag,
  uuidv7,
} from '../common.ts'
import { thingName } from './assignment.ts'

const labelExpected = 'key=value, or key'
const label = z
  .string()
  .max(320, 'at most 320 characters')
  .regex(/^[a-z0-9._/-]{1,63}(=.|$)/, labelExpected)
  .refine(isPrintable, labelExpected)

const factExpected = `name=value, with one of ${factNames.join(', ')}`
const fact = z
  .string()
  .max(320, 'at most 320 characters')
  .regex(new RegExp(`^(${factNames.join('|')})=.`), factExpected)
  .refine(isPrintable, 'name=value, printable')

/** The parameters that select machines, in the list and in the export. */
export const machineSearch = {
  discovered: textFlag.openapi({ description: 'true: only discovered machines. false: only entered machines.' }),
  denied: textFlag,
  state: z
    .enum(machineStateNames)
    .optional()
    .openapi({
      description: Object.entries(machineStates)
        .map(([name, meaning]) => `\`${name}\`: ${meaning}.`)
        .join(' '),
    }),
  group: thingName.optional().openapi({ description: 'Only machines that match the selector of this group.' }),
  platform: platform.optional().openapi({ description: 'The firmware. Before the first boot, efi is assumed.' }),
  arch: arch.optional().openapi({ description: 'The architecture. Before the first boot, x86_64 is assumed.' }),
  image: imageName.optional().openapi({ description: 'Only machines that are assigned this image.' }),
  menu: thingName.optional().openapi({ description: 'Only machines that are assigned this menu.' }),
  hostname: hostname.optional(),
  serial: printable(128).optional(),
  product: printable(128).optional(),
  asset: printable(128).optional(),
  uuid: boardUuid.optional().openapi({ description: 'In either byte order.' }),
  owner: z
    .string()
    .regex(namePattern, 'the name of an owner: a-z, 0-9 and . _ -')
    .optional()
    .openapi({ description: 'Only machines that this owner names in its synchronization.', example: 'cmdb' }),
  externalId: printable(128).optional().openapi({
    description: 'Only machines with this id in the inventory of an owner. With `owner`, in its inventory.',
  }),
  label: z
    .union([label, z.array(label).max(16, 'at most 16 labels')], { error: `${labelExpected}, once for each label` })
    .transform((given) => [given].flat())
    .optional()
    .openapi({
      type: 'array',
      items: { type: 'string' },
      description: '`rack=b4`, or `rack` for any value. If repeated, all must hold.',
      example: ['rack=b4'],
    }),
  fact: z
    .union([fact, z.array(fact).max(16, 'at most 16 facts')], { error: factExpected })
    .transform((given) => [given].flat())
    .optional()
    .openapi({
      type: 'array',
      items: { type: 'string' },
      description:
        '`manufacturer=Dell Inc.`. If repeated, all must hold. The entered value counts, or if absent, the reported value.',
      example: ['manufacturer=Dell Inc.'],
    }),
  q: printable(64).optional().openapi({
    description:
      'A part of the host name, serial, product, manufacturer, asset tag, address, image, menu or a label. Or a part of an external id. Or a part of a MAC address or UUID, in any spelling.',
  }),
  seenSince: instant.optional(),
  notSeenSince: instant.optional().openapi({ description: 'Includes machines that were never seen.' }),
}

/** The parameters, parsed. */
export type MachineFilter = z.output<z.ZodObject<typeof machineSearch>>

type Given = { label?: string[] | undefined; fact?: string[] | undefined }

/** The search in these parameters, without the group. */
export function searchOf<G extends Given>({ label: labels, fact: facts, ...search }: G) {
  return { ...search, labels: labels && pairsOf(labels), facts: facts && (pairsOf(facts) as Record<string, string>) }
}

function pairsOf(texts: string[]): Record<string, string | null> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

export const sortParameter = z
  .enum(machineOrders.flatMap((order) => [order, `-${order}` as const]))
  .optional()
  .openapi({
    default: 'created',
    description: 'With a leading `-`, in descending order. Machines without that value come last.',
  })

/** The order in this parameter. */
export function sortOf(parameter: z.output<typeof sortParameter> = 'created'): MachineSort {
  return { by: parameter.replace('-', '') as MachineSort['by'], descending: parameter.startsWith('-') }
}

export function formatCursor(sort: MachineSort, { id, value }: MachineCursor): string {
  return Buffer.from(JSON.stringify([sort.by, sort.descending, id, value])).toString('base64url')
}

const cursorShape = z.tuple([z.enum(machineOrders), z.boolean(), uuidv7, printable(253).nullable()])

export const cursorParameter = z
  .string()
  .max(1000)
  .transform((text, context) => {
    const read = cursorShape.safeParse(parseJson(Buffer.from(text, 'base64url').toString('utf8')))
    if (!read.success || !isFit(read.data)) return refuse(context, 'the next value of a page of this list')
    const [by, descending, id, value] = read.data
    return { by, descending, cursor: { id, value } }
  })
  .optional()
  .openapi({ type: 'string', description: 'The `next` value of the previous page, with the same sort.' })

function isFit([by, , , value]: z.output<typeof cursorShape>): boolean {
  return value === null || (by === 'hostname' ? value !== '' : !Number.isNaN(Date.parse(value)))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
