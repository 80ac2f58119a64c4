import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type ChangeCursor, isOfTypes, listChanges } from '../../inventory/changes/changes.ts'
import type { Followed } from '../../inventory/changes/feed.ts'
import type { NamedChange } from '../../inventory/changes/machines.ts'
import { changeNouns, changeTypes } from '../../inventory/changes/types.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import { InputError } from '../../lib/errors.ts'
import { type AdminDeps, type ApiEnv, endpoint } from '../http/endpoint.ts'
import { problem } from '../http/problems.ts'
import { streamOf } from '../http/streams.ts'
import { instant, limit, machineKey, moment, page, pageOf, printable, uuidv7, withoutNulls } from '../schemas/common.ts'

const changeSchema = z
  .object({
    id: z.int(),
    at: moment,
    actor: z.string().openapi({ description: 'token NAME, operator, machine MAC, or bootwright itself.' }),
    type: z.string().openapi({ description: 'As GET /change-types lists them.', example: 'machine.changed' }),
    subject: z.string().openapi({ description: 'A machine by its id, a group by its name, …' }),
    machine: z
      .object({ id: uuidv7, mac: z.string().optional(), hostname: z.string().optional() })
      .optional()
      .openapi({ description: 'The machine it is about, if it is about one: its id, first MAC and host name.' }),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
  })
  .openapi('Change', { description: 'What was changed, by whom, from what to what.' })

/** A type of changes, or a noun for all of its types. */
export const changeFilter = z
  .enum([...changeNouns, ...changeTypes], {
    error: `a type of changes or its noun: ${changeNouns.join(', ')}; see GET /change-types`,
  })
  .openapi('ChangeFilter', { example: 'deployment.failed' })

export const list = endpoint({
  operationId: 'listChanges',
  summary: 'The log of changes, newest first',
  query: z.strictObject({
    limit,
    before: z
      .string()
      .regex(/^\d{1,15}$/, 'the `next` of the page before')
      .transform(Number)
      .optional()
      .openapi({ type: 'integer', description: 'The `next` of the page before.' }),
    subject: printable(128)
      .optional()
      .openapi({ description: 'A machine by its id, a MAC, its UUID or its host name; anything else by its name.' }),
    actor: printable(160).optional(),
    type: changeFilter.optional(),
    since: instant.optional(),
    until: instant.optional(),
  }),
  returns: pageOf(changeSchema).openapi('ChangeList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: most, before, subject: named, ...filter } }) => {
    const subject = named === undefined ? undefined : await subjectsOf(db, named)
    const { items, ...next } = await page(
      most,
      (count) => listChanges(db, { ...filter, subject }, count, before),
      (one) => String(one.id),
    )
    return { status: 200, body: { items: items.map(shown), ...next } }
  },
})

/** A text may be the name of a group and of a machine: the changes of both are meant. */
async function subjectsOf(db: AdminDeps['db'], named: string): Promise<string[]> {
  const key = machineKey.safeParse(named)
  const machine = key.success ? await findMachine(db, key.data) : undefined
  return machine === undefined ? [named] : [named, machine.id]
}

export const types = endpoint({
  operationId: 'listChangeTypes',
  summary: 'List the types of changes, by noun',
  returns: z
    .object({ items: z.array(z.object({ noun: z.enum(changeNouns), types: z.array(z.enum(changeTypes)) })) })
    .openapi('ChangeTypeList'),
  statuses: { 200: 'All types' },
  answer: async () => ({
    status: 200,
    body: {
      items: changeNouns.map((noun) => ({ noun, types: changeTypes.filter((type) => isOfTypes(type, [noun])) })),
    },
  }),
})

export const follow = endpoint({
  operationId: 'followChanges',
  summary: 'Changes as they happen, as server-sent events',
  description:
    'Each event has the place of its change as `id`, its type as `event` and a Change as `data`. Who sends the last id back, as Last-Event-ID or in `after`, goes on from there and misses nothing; without either it begins now. It ends when its token is revoked. The event `reset` says that changes after that place are not kept any more: read everything anew.',
  query: z.strictObject({
    after: z
      .string()
      .optional()
      .openapi({ description: 'The `id` of an event; 0-0 is the beginning.', example: '0-0' }),
    types: z.string().optional().openapi({
      description: 'Only these types, or nouns, with commas between.',
      example: 'machine,deployment.failed',
    }),
  }),
  returns: z.string().openapi({ example: 'id: 801-17\nevent: machine.changed\ndata: {…}\n\n' }),
  returnsType: 'text/event-stream',
  statuses: { 200: 'The events, for as long as they are read' },
  answer: async ({ feed }, { query }, context) => {
    const place = query.after ?? context.req.header('last-event-id')
    const ended = new AbortController()
    const followed = feed.follow(
      place === undefined ? undefined : parsePlace(place),
      parseTypes(query.types),
      ended.signal,
      (context as Context<ApiEnv>).get('tokenId'),
    )
    if (followed === undefined)
      return problem({ status: 503, detail: 'too many follow the changes already', headers: { 'retry-after': '30' } })
    const headers = {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    }
    return new Response(
      streamOf(textsOf(followed), () => ended.abort()),
      { headers },
    )
  },
})

async function* textsOf(followed: AsyncGenerator<Followed>) {
  // Something at once, so that the reader knows it is connected.
  yield ': changes\n\n'
  for await (const one of followed) {
    if (one.kind === 'idle') yield ': none\n\n'
    else if (one.kind === 'reset') yield 'event: reset\ndata: {}\n\n'
    else
      yield `id: ${one.change.tx}-${one.change.id}\nevent: ${one.change.type}\ndata: ${JSON.stringify(shown(one.change))}\n\n`
  }
}

/** A change without its place in the order, which is its event's id. */
export function shown({ tx: _, ...change }: NamedChange) {
  return withoutNulls(change)
}

function parsePlace(text: string): ChangeCursor {
  const [, tx, id] = /^(\d{1,15})-(\d{1,15})$/.exec(text.trim()) ?? []
  if (tx === undefined) throw new InputError({ field: 'after', value: text, expected: 'the id of an event, 801-17' })
  return { tx: Number(tx), id: Number(id) }
}

function parseTypes(text: string | undefined): string[] {
  const types = text?.split(',').map((one) => one.trim()) ?? []
  const wrong = types.find((one) => !changeFilter.safeParse(one).success)
  if (wrong !== undefined || types.length > 32)
    throw new InputError({
      field: 'types',
      value: wrong ?? `${types.length}`,
      expected: `types of changes or their nouns, 32 at most; see GET /change-types`,
    })
  return types
}
