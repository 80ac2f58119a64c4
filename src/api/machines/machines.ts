import { z } from '@hono/zod-openapi'
import { deleteDeployedMachine } from '../../inventory/boots/deployment-cancels.ts'
import { etagOf } from '../../inventory/common/precondition.ts'
import type { MachineField } from '../../inventory/machines/fields.ts'
import { forgetDiscovered } from '../../inventory/machines/identity/discovered.ts'
import { cursorOf, searchMachines } from '../../inventory/machines/list.ts'
import { findMachine, newMachine, saveMachine } from '../../inventory/machines/machines.ts'
import { namesakesOf, noMachine } from '../../inventory/machines/names.ts'
import { InputError } from '../../lib/errors.ts'
import { parseUuid } from '../../lib/ids/uuid.ts'
import type { Machine, MachineKey } from '../../model/machine.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import {
  arch,
  hostname,
  instant,
  limit,
  mac,
  machineKey,
  moment,
  page,
  pageOf,
  platform,
  printable,
  refuse,
  uuidv7,
} from '../schemas/common.ts'
import { assignment, assignmentChange } from '../schemas/machines/assignment.ts'
import { cursorParameter, formatCursor, machineSearch, searchOf, sortOf, sortParameter } from './search.ts'

const labels = z
  .record(
    z.string().regex(/^[a-z0-9._/-]{1,63}$/, 'a label: a-z, 0-9 and . _ / -, 63 characters at most'),
    printable(253).nullable(),
  )
  .refine((all) => Object.keys(all).length <= 64, 'at most 64 labels')
  .openapi({ example: { rack: 'b4' } })

const uuid = z
  .string()
  .transform((text, context) => parseUuid(text) ?? refuse(context, "a UUID, and not a vendor's placeholder"))
  .openapi({ format: 'uuid', example: '4c4c4544-0042-3510-8054-b7c04f4e3332' })

const macs = z
  .array(mac)
  .min(1, 'at least one MAC address')
  .max(64, 'at most 64 MAC addresses')
  .nullable()
  .transform((all) => all ?? [])
  .optional()
  .openapi({
    description:
      'All the MACs; when absent they stay as they are, null takes them off. One in the URL of a PUT is always among them.',
  })

const entered = {
  uuid: uuid.nullish(),
  serial: printable(128).nullish().openapi({ description: 'Identifies the machine together with product.' }),
  product: printable(128).nullish(),
  asset: printable(128).nullish(),
  hostname: hostname.nullish(),
  denied: z.boolean().nullish(),
  labels: labels.nullish(),
  assignment: assignmentChange.nullish(),
} satisfies Record<MachineField, z.ZodType>

export const machineChange = z.strictObject({ macs, ...entered }).openapi('MachineChange', {
  description:
    'What operators enter of a machine; null clears a field. A merge (PATCH) keeps what is absent: labels, params and the methods of localBoot are merged by name, and null removes one of them; lists are replaced as a whole.',
})

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
  .openapi('Facts', { description: 'What the machine last said of itself. Nothing here is proof.' })

export const machineSchema = z
  .object({
    id: uuidv7,
    name: z.string().optional().openapi({
      description: 'What lists and messages call it: its host name where no other machine has that, else a MAC.',
    }),
    discovered: z
      .boolean()
      .openapi({ description: 'Seen on the network, and no operator has said anything of it yet.' }),
    macs: z.array(z.string().openapi({ example: '52:54:00:12:34:56' })),
    uuid: z.string().optional(),
    serial: z.string().optional(),
    product: z.string().optional(),
    asset: z.string().optional(),
    hostname: z.string().optional(),
    denied: z.boolean().openapi({ description: 'Refused whatever is assigned.' }),
    labels: z.record(z.string(), z.string()),
    assignment: assignment.optional(),
    discoveredFrom: z.string().openapi({
      description: 'The address (of IPv6 the /64) that it was discovered at; empty for one that was entered.',
    }),
    facts: factsSchema,
    revision: z.int().openapi({ description: 'Counted up by each change that an operator makes.' }),
    createdAt: moment,
    updatedAt: moment,
    lastSeenAt: moment.optional(),
  } satisfies Record<keyof Machine, z.ZodType>)
  .extend({
    notices: z
      .array(z.string())
      .optional()
      .openapi({ description: 'What an operator should know of this machine; not in lists.' }),
  })
  .openapi('Machine')

const params = z.object({ id: machineKey })

export const list = endpoint({
  operationId: 'listMachines',
  summary: 'Machines, in the order of their creation or another',
  query: z.strictObject({ limit, after: cursorParameter, sort: sortParameter, ...machineSearch }),
  returns: pageOf(machineSchema).openapi('MachineList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: most, after, sort: sorted, ...given } }) => {
    const sort = sortOf(sorted)
    if (after !== undefined && (after.by !== sort.by || after.descending !== sort.descending))
      throw new InputError({ field: 'after', value: after.by, expected: 'the next of a page with the same sort' })
    const body = await page(
      most,
      (count) => searchMachines(db, searchOf(given), sort, count, after?.cursor),
      (one) => formatCursor(sort, cursorOf(one, sort)),
    )
    return { status: 200, body }
  },
})

export const get = endpoint({
  operationId: 'getMachine',
  summary: 'A machine',
  params,
  returns: machineSchema,
  statuses: { 200: 'The machine' },
  answer: async ({ db, findSituation }, { params: { id } }) => {
    const machine = await requireMachine(db, id)
    const { identity } = await findSituation({ ...machine.facts, ...(machine.macs[0] && { mac: machine.macs[0] }) })
    return shown(db, machine, false, 'notices' in identity ? identity.notices : [])
  },
})

export const put = endpoint({
  operationId: 'putMachine',
  summary: 'Enter or replace a machine',
  description:
    'What the body leaves out is cleared, the MACs excepted. With a MAC in the URL a machine that does not exist is made.',
  params,
  body: machineChange,
  conditional: true,
  returns: machineSchema,
  statuses: { 200: 'The machine, replaced', 201: 'The machine, new' },
  answer: async ({ db }, { params: { id }, body, precondition, by }) => {
    const { machine, created } = await saveMachine(db, id, body, { ...precondition, replace: true }, by)
    return shown(db, machine, created)
  },
})

export const create = endpoint({
  operationId: 'createMachine',
  summary: 'Enter a machine by its UUID, its serial with product, or its MACs',
  description:
    'Without MACs it is identified by the UUID, or the serial with product, until a second machine reports the same.',
  body: machineChange,
  returns: machineSchema,
  statuses: { 201: 'The machine, new' },
  answer: async ({ db }, { body, by }) => {
    const [first] = body.macs ?? []
    const key = first === undefined ? newMachine : { mac: first }
    const { machine } = await saveMachine(db, key, body, { ifNoneMatch: '*', replace: true }, by)
    return shown(db, machine, true)
  },
})

export const forget = endpoint({
  operationId: 'forgetDiscovered',
  summary: 'Forget discovered machines: all, or those not seen of late or from one address',
  description:
    'Those that an operator entered are never among them. Their boots stay. One that asks again is discovered again.',
  query: z.strictObject({
    notSeenSince: instant.optional(),
    address: z
      .union([z.ipv4(), z.ipv6()], { error: 'an IP address' })
      .optional()
      .openapi({ description: 'Of IPv6 all of its /64.' }),
    dryRun: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .openapi({ type: 'boolean', default: false }),
  }),
  returns: z.object({ forgotten: z.int(), applied: z.boolean() }).openapi('Forgotten'),
  statuses: { 200: 'How many' },
  answer: async ({ db }, { query: { dryRun = false, ...filter }, by }) => {
    const forgotten = await forgetDiscovered(db, filter, { limit: 100_000, dryRun }, by)
    return { status: 200, body: { forgotten, applied: !dryRun } }
  },
})

export const patch = endpoint({
  operationId: 'patchMachine',
  summary: 'Change some of what is entered of a machine',
  description: 'What the body leaves out stays; labels, params and localBoot are merged by name.',
  params,
  body: machineChange,
  conditional: true,
  returns: machineSchema,
  statuses: { 200: 'The machine, changed' },
  answer: async ({ db }, { params: { id }, body, precondition, by }) => {
    const { id: known } = await requireMachine(db, id)
    const { machine } = await saveMachine(db, { id: known }, body, precondition, by)
    return shown(db, machine)
  },
})

export const remove = endpoint({
  operationId: 'deleteMachine',
  summary: 'Forget a machine; its boots stay',
  description: 'Its deployments go with it. While one is active, that is a conflict that names it.',
  params,
  query: z.strictObject({
    cancelDeployment: z
      .enum(['true', 'false'])
      .default('false')
      .openapi({ description: 'true: cancel the active deployment of the machine.' }),
  }),
  conditional: true,
  statuses: { 204: 'It is gone' },
  answer: async ({ db }, { params: { id }, query: { cancelDeployment }, precondition, by }) => {
    await deleteDeployedMachine(db, id, cancelDeployment === 'true', precondition, by)
    return { status: 204 }
  },
})

async function shown(db: AdminDeps['db'], machine: Machine, created = false, doubts: string[] = []) {
  const headers = { etag: etagOf(machine), ...(created && { location: `/api/v1/machines/${machine.id}` }) }
  const namesakes = await namesakesOf(db, machine)
  const twins = [
    `the host name ${machine.hostname} is also that of ${namesakes.join(', ')}; commands and URLs need a MAC to tell these machines apart`,
  ]
  const notices = [...(namesakes.length > 0 ? twins : []), ...doubts]
  const body = { ...machine, ...(notices.length > 0 && { notices }) }
  return { status: created ? (201 as const) : (200 as const), body, headers }
}

/** @throws NotFoundError */
export async function requireMachine(db: AdminDeps['db'], key: MachineKey): Promise<Machine> {
  const machine = await findMachine(db, key)
  if (machine === undefined) throw noMachine(key)
  return machine
}
