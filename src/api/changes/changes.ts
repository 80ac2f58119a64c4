// /changes and /events: the audit log, as a list and as it grows.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { may } from '../../auth/may.ts'
import { type ChangeCursor, isOfTypes, listChanges } from '../../inventory/changes/changes.ts'
import type { Followed } from '../../inventory/changes/feed.ts'
import type { NamedChange } from '../../inventory/changes/machines.ts'
import { changeNouns, changeTypes } from '../../inventory/changes/types.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import { InputError } from '../../lib/errors.ts'
import { type AdminDeps, type ApiEnv, endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import { eventsOf, feedClientOf, tooManyFollow } from '../http/streams.ts'
import { changeFilter, changeList, changesQuery, changeTypeList, eventsQuery } from '../schemas/changes/change.ts'
import { machineKey } from '../schemas/common.ts'

export const list = endpoint({
  operationId: 'listChanges',
  action: 'changes.read',
  summary: 'List the audit log, newest first',
  description: 'Sign-ins, which are the changes `session.*`, are for admins only.',
  query: changesQuery,
  returns: changeList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: max, before, subject: text, ...filter } }, context) => {
    const subject = text === undefined ? undefined : await subjectsOf(db, text)
    const { items, ...next } = await page(
      max,
      (count) => listChanges(db, { ...filter, subject, exceptTypes: hiddenTypes(context) }, count, before),
      (change) => String(change.id),
    )
    return { status: 200, body: { items: items.map(bodyOf), ...next } }
  },
})

/** The subjects that a text names: a group and a machine may have the same name. */
async function subjectsOf(db: AdminDeps['db'], text: string): Promise<string[]> {
  const key = machineKey.safeParse(text)
  const machine = key.success ? await findMachine(db, key.data) : undefined
  return machine === undefined ? [text] : [text, machine.id]
}

export const types = endpoint({
  operationId: 'listChangeTypes',
  action: 'changes.read',
  scope: 'any',
  summary: 'List the types of changes, by noun',
  returns: changeTypeList,
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
  action: 'changes.read',
  summary: 'Follow changes as server-sent events',
  description:
    'Each event has the position of its change as `id`, its type as `event` and a Change as `data`. A client that sends the last id as Last-Event-ID, or in `after`, resumes from there without gaps; otherwise the stream starts now. It ends when the token or the session is revoked. Sign-ins, which are the changes `session.*`, are sent to admins only. The event `reset` means that changes after that position are no longer kept: read everything again.',
  query: eventsQuery,
  returns: z.string().openapi({ example: 'id: 801-17\nevent: machine.changed\ndata: {…}\n\n' }),
  returnsType: 'text/event-stream',
  statuses: { 200: 'The events, until the client disconnects' },
  answer: async ({ feed }, { query }, context) => {
    const place = query.after ?? context.req.header('last-event-id')
    const ended = new AbortController()
    const followed = feed.follow(
      place === undefined ? undefined : parsePlace(place),
      parseTypes(query.types),
      ended.signal,
      feedClientOf(context),
    )
    if (followed === undefined) return tooManyFollow('the audit log')
    return eventsOf(textsOf(followed, hiddenTypes(context)), () => ended.abort())
  },
})

async function* textsOf(followed: AsyncGenerator<Followed>, hidden: string[]) {
  // The first line is sent at once, so that the client sees that it is connected.
  yield ': changes\n\n'
  for await (const item of followed) {
    if (item.kind === 'idle') yield ': none\n\n'
    else if (item.kind === 'reset') yield 'event: reset\ndata: {}\n\n'
    else if (hidden.length === 0 || !isOfTypes(item.change.type, hidden))
      yield `id: ${item.change.tx}-${item.change.id}\nevent: ${item.change.type}\ndata: ${JSON.stringify(bodyOf(item.change))}\n\n`
  }
}

/** Sign-ins show where people are. Only an admin, who can list sessions, sees them. */
function hiddenTypes(context: Context): string[] {
  return may((context as Context<ApiEnv>).get('principal').role, 'access.edit') ? [] : ['session']
}

/** A change without its position, which is the id of its event. */
export function bodyOf({ tx: _, ...change }: NamedChange) {
  return withoutNulls(change)
}

function parsePlace(text: string): ChangeCursor {
  const [, tx, id] = /^(\d{1,15})-(\d{1,15})$/.exec(text.trim()) ?? []
  if (tx === undefined) throw new InputError({ field: 'after', value: text, expected: 'the id of an event, 801-17' })
  return { tx: Number(tx), id: Number(id) }
}

function parseTypes(text: string | undefined): string[] {
  const types = text?.split(',').map((type) => type.trim()) ?? []
  const wrong = types.find((type) => !changeFilter.safeParse(type).success)
  if (wrong !== undefined || types.length > 32)
    throw new InputError({
      field: 'types',
      value: wrong ?? `${types.length}`,
      expected: 'up to 32 types of changes or their nouns; see GET /change-types',
    })
  return types
}
