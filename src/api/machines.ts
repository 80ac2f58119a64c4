import { z } from '@hono/zod-openapi'
import { InputError, NotFoundError } from '../errors.ts'
import { parseUuid } from '../inventory/identity.ts'
import { cursorOf, searchMachines } from '../inventory/machine-list.ts'
import {
  deleteMachine,
  findMachine,
  type Machine,
  type MachineChange,
  type MachineKey,
  saveMachine,
} from '../inventory/machines.ts'
import { etagOf } from '../inventory/precondition.ts'
import { assignment } from './assignments.ts'
import { type AdminDeps, endpoint } from './endpoint.ts'
import { cursorParameter, formatCursor, machineSearch, searchOf, sortOf, sortParameter } from './machine-search.ts'
import {
  arch,
  hostname,
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
} from './schemas.ts'

const labels = z
  .record(
    z.string().regex(/^[a-z0-9._/-]{1,63}$/, 'a label: a-z, 0-9 and . _ / -, 63 characters at most'),
    printable(253),
  )
  .refine((all) => Object.keys(all).length <= 64, 'at most 64 labels')
  .openapi({ example: { rack: 'b4' } })

const uuid = z
  .string()
  .transform((text, context) => parseUuid(text) ?? refuse(context, "a UUID, and not a vendor's placeholder"))
  .openapi({ type: 'string', format: 'uuid', example: '4c4c4544-0042-3510-8054-b7c04f4e3332' })

const macs = z
  .array(mac)
  .min(1, 'at least one MAC address')
  .max(64, 'at most 64 MAC addresses')
  .optional()
  .openapi({ description: 'All the MACs; when absent they stay as they are. One in the URL is always among them.' })

export const machineChange = z
  .strictObject({
    macs,
    uuid: uuid.nullish(),
    serial: printable(128).nullish().openapi({ description: 'Identifies the machine together with product.' }),
    product: printable(128).nullish(),
    asset: printable(128).nullish(),
    hostname: hostname.nullish(),
    labels: labels.nullish(),
    assignment: assignment.nullish(),
    denied: z.boolean().optional(),
  })
  .openapi('MachineChange', {
    description: 'What operators say of a machine; null clears. Labels and assignment are replaced as a whole.',
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
    discovered: z
      .boolean()
      .openapi({ description: 'Seen on the network, and no operator has said anything of it yet.' }),
    denied: z.boolean().openapi({ description: 'Refused whatever is assigned.' }),
    macs: z.array(z.string().openapi({ example: '52:54:00:12:34:56' })),
    uuid: z.string().optional(),
    serial: z.string().optional(),
    product: z.string().optional(),
    asset: z.string().optional(),
    hostname: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    assignment: assignment.optional(),
    facts: factsSchema,
    revision: z.int().openapi({ description: 'Counted up by each change that an operator makes.' }),
    createdAt: moment,
    updatedAt: moment,
    lastSeenAt: moment.optional(),
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
  answer: async ({ db }, { params: { id } }) => shown(await requireMachine(db, id)),
})

export const put = endpoint({
  operationId: 'putMachine',
  summary: 'Enter or replace a machine',
  description:
    'What the body does not say is cleared, the MACs excepted. With a MAC in the URL a machine that does not exist is made.',
  params,
  body: machineChange,
  conditional: true,
  returns: machineSchema,
  statuses: { 200: 'The machine, replaced', 201: 'The machine, new' },
  answer: async ({ db }, { params: { id }, body, precondition, by }) => {
    const { machine, created } = await saveMachine(db, id, replacing(body), precondition, by)
    return shown(machine, created)
  },
})

export const patch = endpoint({
  operationId: 'patchMachine',
  summary: 'Change some of what is said of a machine',
  params,
  body: machineChange,
  conditional: true,
  returns: machineSchema,
  statuses: { 200: 'The machine, changed' },
  answer: async ({ db }, { params: { id }, body, precondition, by }) => {
    const { id: known } = await requireMachine(db, id)
    const change = { ...body, labels: body.labels === null ? {} : body.labels }
    const { machine } = await saveMachine(db, { id: known }, change, precondition, by)
    return shown(machine)
  },
})

export const remove = endpoint({
  operationId: 'deleteMachine',
  summary: 'Forget a machine; its boots stay',
  params,
  conditional: true,
  statuses: { 204: 'It is gone' },
  answer: async ({ db }, { params: { id }, precondition, by }) => {
    await deleteMachine(db, id, precondition, by)
    return { status: 204 }
  },
})

/** The change that replaces all that is said of a machine, the MACs excepted. */
export function replacing(body: z.output<typeof machineChange>): MachineChange {
  const cleared = {
    uuid: null,
    serial: null,
    product: null,
    asset: null,
    hostname: null,
    assignment: null,
    denied: false,
  }
  return { ...cleared, ...body, labels: body.labels ?? {} }
}

function shown(machine: Machine, created = false) {
  const headers = { etag: etagOf(machine), ...(created && { location: `/api/v1/machines/${machine.id}` }) }
  return { status: created ? (201 as const) : (200 as const), body: machine, headers }
}

/** @throws NotFoundError */
export async function requireMachine(db: AdminDeps['db'], key: MachineKey): Promise<Machine> {
  const machine = await findMachine(db, key)
  if (machine === undefined) throw new NotFoundError(`there is no machine ${'id' in key ? key.id : key.mac}`)
  return machine
}
