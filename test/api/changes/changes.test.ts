import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { openPostgres } from '../../../src/db/postgres/open-postgres.ts'
import { createToken } from '../../../src/inventory/access/tokens.ts'
import { recordChanges } from '../../../src/inventory/changes/changes.ts'
import type { ChangeType } from '../../../src/inventory/changes/types.ts'
import type { Role } from '../../../src/model/access/role.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

type Event = { id: string; event: string; data: { id: number; type: string; subject: string; actor: string } }

/**
 * Follows a feed until it has `count` events, or for `maxMs`. A change appears only after all older transactions of the server
 * have ended, including those of other tests.
 */
async function events(
  api: Api,
  query: string,
  count: number,
  headers: Record<string, string> = {},
  maxMs = 12_000,
): Promise<Event[]> {
  const response = await api.app.request(`/api/v1/events${query}`, { headers })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const late = sleep(maxMs, 'late' as const)
  let text = ''
  const parsed = () =>
    text.split('\n\n').flatMap((part): Event[] => {
      const fields = Object.fromEntries(part.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2)))
      return fields.event === undefined ? [] : [{ ...fields, data: JSON.parse(fields.data) } as Event]
    })
  while (parsed().length < count) {
    const next = await Promise.race([reader.read(), late])
    if (next === 'late' || next.done) break
    text += new TextDecoder().decode(next.value)
  }
  await reader.cancel()
  return parsed()
}

eachDatabase('the audit log', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })

  test('shows sign-ins to admins only, in the list and in the stream', async () => {
    const withTokens = await openApi(database(), { trusted: false })
    const after = { name: 'anna', session: 's', method: 'password', address: '192.0.2.7' }
    for (const type of ['session.created', 'group.changed'] as const)
      await database().transaction((tx) =>
        recordChanges(tx, [{ actor: 'person anna', type, subject: 'anna-id', after }]),
      )
    const seenBy = async (role: Role) => {
      const { token } = await createToken(database(), role, 'tester', { role })
      const headers = { authorization: `Bearer ${token}` }
      const list = await withTokens.ask('GET', '/api/v1/changes?subject=anna-id', undefined, headers)
      const filtered = await withTokens.ask('GET', '/api/v1/changes?type=session', undefined, headers)
      const count = role === 'admin' ? 2 : 1
      const followed = await events(withTokens, '?after=0-0&types=session,group', count, headers)
      return {
        list: list.body.items.map(({ type }: { type: string }) => type),
        filtered: filtered.body.items.length,
        followed: followed.map(({ event }) => event),
      }
    }
    const both = ['group.changed', 'session.created']
    expect(await seenBy('admin')).toEqual({ list: both, filtered: 1, followed: both.toReversed() })
    for (const role of ['operator', 'viewer'] as const)
      expect(await seenBy(role)).toEqual({ list: ['group.changed'], filtered: 0, followed: ['group.changed'] })
    withTokens.deps.feed.stop()
    await withTokens.remove()
  })

  afterAll(async () => {
    api.deps.feed.stop()
    await api.remove()
  })
  const here = '/api/v1/machines/52-54-00-12-34-56'
  const change = (subject: string, type: ChangeType = 'group.changed') =>
    database().transaction((tx) => recordChanges(tx, [{ actor: 'x', type, subject }]))

  test('has the actor and the values before and after each change, newest first', async () => {
    const { body } = await api.ask('PUT', here, { hostname: 'a' })
    await api.ask('PATCH', here, { hostname: 'b' })
    await api.ask('PATCH', here, { hostname: 'b' })
    await api.ask('DELETE', here)
    const { items } = (await api.ask('GET', `/api/v1/changes?subject=${body.id}`)).body
    expect(
      items.map(({ type, actor, before, after }: never) => [
        type,
        actor,
        (before as { hostname: string } | undefined)?.hostname,
        (after as { hostname: string } | undefined)?.hostname,
      ]),
    ).toEqual([
      ['machine.deleted', 'operator', 'b', undefined],
      ['machine.changed', 'operator', 'a', 'b'],
      ['machine.created', 'operator', undefined, 'a'],
    ])
  })

  test('is filtered by machine, type, actor and time, in pages', async () => {
    const { body } = await api.ask('PUT', here, {})
    for (const name of ['a', 'b']) await api.ask('PUT', `/api/v1/groups/${name}`, { everybody: true, assignment: {} })
    const subjects = async (query: string) =>
      (await api.ask('GET', `/api/v1/changes?${query}`)).body.items.map((item: { subject: string }) => item.subject)
    expect(await subjects('subject=525400123456')).toEqual([body.id])
    expect(await subjects('type=group')).toEqual(['b', 'a'])
    expect(await subjects('type=group.created&actor=operator&limit=1')).toEqual(['b'])
    expect(await subjects('type=group.changed')).toEqual([])
    expect((await api.ask('GET', '/api/v1/changes?type=grou')).status).toBe(422)
    expect(await subjects('actor=nobody')).toEqual([])
    expect(await subjects('since=2999-01-01T00:00:00Z')).toEqual([])
    expect(await subjects(`until=2999-01-01T00:00:00%2B02:00&limit=2`)).toEqual(['b', 'a'])
    const page = (await api.ask('GET', '/api/v1/changes?limit=2')).body
    expect(await subjects(`before=${page.next}`)).toEqual([body.id])
  })

  test.each(['type=a%', 'since=yesterday', 'before=x', 'subjects=a'])('refuses the query %s', async (query) => {
    expect((await api.ask('GET', `/api/v1/changes?${query}`)).status).toBe(422)
  })

  test('can be followed from now on, and resumed from a position', async () => {
    await change('before')
    await events(api, '?after=0-0', 1)
    const following = events(api, '', 2)
    await sleep(300)
    await change('first')
    await change('second')
    const found = await following
    expect(found.map((item) => [item.event, item.data.subject, item.data.actor])).toEqual([
      ['group.changed', 'first', 'x'],
      ['group.changed', 'second', 'x'],
    ])
    await change('third')
    const more = await events(api, '', 2, { 'last-event-id': found[0]?.id as string })
    expect(more.map((item) => item.data.subject)).toEqual(['second', 'third'])
    expect(await events(api, `?after=${more[1]?.id}`, 1, {}, 1000)).toEqual([])
    expect((await events(api, '?after=0-0', 4)).map((item) => item.data.subject)).toEqual([
      'before',
      'first',
      'second',
      'third',
    ])
  })

  test('can be followed for some types', async () => {
    await change('a', 'machine.changed')
    await change('b', 'deployment.failed')
    await change('c', 'deployment.armed')
    await change('d', 'machineroom.changed' as ChangeType)
    await change('e', 'machine.deleted')
    const found = await events(api, '?after=0-0&types=machine,deployment.failed', 3)
    expect(found.map((item) => item.data.subject)).toEqual(['a', 'b', 'e'])
  })

  test('reports that the changes after a position are no longer kept', async () => {
    await change('old')
    const [old] = await events(api, '?after=0-0', 1)
    await change('new')
    await database().execute(sql`delete from changes where subject = 'old'`)
    const found = await events(api, `?after=${old?.id}`, 2)
    expect(found.map((item) => [item.event, item.data.subject])).toEqual([
      ['reset', undefined],
      ['group.changed', 'new'],
    ])
  })

  test.each(['after=x', 'after=1-2-3', 'types=a%25', 'types='])(
    'refuses an invalid position or type: %s',
    async (query) => {
      expect((await api.ask('GET', `/api/v1/events?${query}`)).status).toBe(422)
    },
  )

  test('refuses followers above the limit, until a follower disconnects', async () => {
    const open = async () => (await api.app.request('/api/v1/events')).body?.getReader()
    const readers = []
    for (let count = 0; count < 200; count++) {
      const reader = await open()
      await reader?.read()
      // A follower counts from its first read after the greeting.
      void reader?.read().catch(() => {})
      readers.push(reader)
    }
    await sleep(500)
    expect((await api.app.request('/api/v1/events')).status).toBe(503)
    await readers[0]?.cancel()
    await expect.poll(async () => (await api.app.request('/api/v1/events')).status, { timeout: 5000 }).toBe(200)
    for (const reader of readers.slice(1)) await reader?.cancel()
  })
})

const server = inject('postgresUrl')

// If PostgreSQL is required, the run does not begin without it (postgres-server.ts).
test.runIf(server !== undefined)('a change that is committed late is delivered late, but not skipped', async () => {
  const name = `late_${Math.random().toString(36).slice(2)}`
  const admin = await openPostgres(`${server}/postgres`)
  await admin.db.execute(sql.raw(`create database ${name}`))
  await admin.close()
  const [one, two]: [OpenDb, OpenDb] = [
    await openPostgres(`${server}/${name}`),
    await openPostgres(`${server}/${name}`),
  ]
  const api = await openApi(one.db)
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let begun = () => {}
  const started = new Promise<void>((resolve) => {
    begun = resolve
  })
  const late = two.db.transaction(async (tx) => {
    await recordChanges(tx as never, [{ actor: 'x', type: 'group.changed', subject: 'begun first, ended last' }])
    begun()
    await held
  })
  await started
  await one.db.transaction((tx) =>
    recordChanges(tx, [{ actor: 'x', type: 'group.changed', subject: 'begun last, ended first' }]),
  )
  expect(await events(api, '?after=0-0', 1, {}, 1000)).toEqual([])
  release()
  await late
  const found = await events(api, '?after=0-0', 2)
  expect(found.map((event) => event.data.subject)).toEqual(['begun first, ended last', 'begun last, ended first'])
  api.deps.feed.stop()
  await api.remove()
  await Promise.all([one.close(), two.close()])
})
