import { afterAll, beforeAll, expect, test } from 'vitest'
import { createToken } from '../../../src/inventory/access/tokens.ts'
import type { ChangeFeed } from '../../../src/inventory/changes/feed.ts'
import { readVersion } from '../../../src/lib/program-dir.ts'
import { createScripts } from '../../../src/render/scripts.ts'
import { readTemplates } from '../../../src/server/templates.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const brokenScripts = createScripts({ ...readTemplates(), 'local.ipxe': '<% throw new Error("password=hunter2") %>' })

eachDatabase('access and errors over HTTP', (database) => {
  let api: Api
  let trusted: Api
  let databaseIsThere = true
  beforeAll(async () => {
    api = await openApi(database(), { trusted: false, databaseAnswers: async () => databaseIsThere })
    trusted = await openApi(database())
  })
  afterAll(() => Promise.all([api.remove(), trusted.remove()]))
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

  test('answer 401 without a token, except at open endpoints', async () => {
    for (const path of ['/machines', '/machines/x', '/images', '/files', '/boots', '/policy', '/tokens', '/nothing']) {
      const reply = await api.ask('GET', `/api/v1${path}`)
      expect([path, reply.status, reply.type, reply.headers.get('www-authenticate')]).toEqual([
        path,
        401,
        'application/problem+json',
        'Bearer realm="bootwright"',
      ])
    }
    for (const path of ['/healthz', '/readyz', '/api/v1/openapi.json', '/api/v1/docs'])
      expect([path, (await api.ask('GET', path)).status]).toEqual([path, 200])
  })

  test.each(['Bearer wrong', 'Basic dTpw', 'Bearer', 'Bearer a b', 'bearer bw_'])(
    'refuse the header Authorization: %s',
    async (authorization) => {
      const reply = await api.ask('GET', '/api/v1/machines', undefined, { authorization })
      expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer realm="bootwright", error="invalid_token"',
      ])
    },
  )

  test.each(['by this server', 'by another server'])(
    'disconnect the followers of a token that is revoked %s',
    async (by) => {
      const [made, other] = [
        await createToken(database(), `follower ${by}`, 'tester'),
        await createToken(database(), 'another', 'tester'),
      ]
      const follow = async ({ token }: { token: string }) => {
        const response = await api.app.request('/api/v1/events?after=0-0', { headers: bearer(token) })
        const reader = (response.body as ReadableStream<Uint8Array>).getReader()
        await reader.read()
        return reader
      }
      const [following, stays] = [await follow(made), await follow(other)]
      const path = `/api/v1/tokens/${made.id}`
      if (by === 'by another server') expect((await trusted.ask('DELETE', path)).status).toBe(204)
      else expect((await api.ask('DELETE', path, undefined, bearer(other.token))).status).toBe(204)
      // The revocation itself may be the last event.
      let next = await following.read()
      while (!next.done) next = await following.read()
      let seen = ''
      while (!seen.includes('event: token.revoked')) seen += new TextDecoder().decode((await stays.read()).value)
      await stays.cancel()
    },
  )

  test('give the answer to an Idempotency-Key to its own token only, also if another has the same name', async () => {
    const [first, second] = [
      await createToken(database(), 'ci', 'tester'),
      await createToken(database(), 'ci', 'tester'),
    ]
    const create = ({ token }: { token: string }) =>
      api.ask('POST', '/api/v1/tokens', { name: 'made' }, { ...bearer(token), 'idempotency-key': 'a-key' })
    const [made, repeated, other] = [await create(first), await create(first), await create(second)]
    expect(repeated.body.token).toBe(made.body.token)
    expect([other.status, other.body.token === made.body.token]).toEqual([201, false])
  })

  test.each(['/api/v1/events', '/api/v1/now/events'])('a HEAD of %s follows nothing afterwards', async (path) => {
    let following = 0
    const feed: ChangeFeed = {
      ...api.deps.feed,
      watch: (client) => {
        const watched = api.deps.feed.watch(client)
        following += 1
        const leave = () => {
          following -= 1
          watched.leave()
        }
        return { ...watched, leave }
      },
    }
    const other = await openApi(database(), { trusted: false, feed })
    const { token } = await createToken(database(), 'head', 'tester')
    const response = await other.app.request(path, { method: 'HEAD', headers: bearer(token) })
    expect([response.status, response.headers.get('content-type'), following]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      0,
    ])
    await other.remove()
  })

  test('show a token once, accept it, list it without its secret, and revoke it', async () => {
    const made = await trusted.ask('POST', '/api/v1/tokens', { name: 'ansible' })
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(made.body).toEqual({
      id: made.body.id,
      name: 'ansible',
      role: 'admin',
      createdAt: made.body.createdAt,
      token: expect.stringMatching(/^bw_[A-Za-z0-9_-]{43}$/),
    })
    const { token, ...record } = made.body
    const list = await api.ask('GET', '/api/v1/tokens', undefined, bearer(token))
    expect(list.body).toEqual({ items: [{ ...record, lastUsedAt: expect.any(String) }] })
    expect((await api.ask('DELETE', `/api/v1/tokens/${record.id}`, undefined, bearer(token))).status).toBe(204)
    expect((await api.ask('GET', '/api/v1/tokens', undefined, bearer(token))).status).toBe(401)
    expect((await trusted.ask('GET', '/api/v1/tokens')).body.items[0].revokedAt).toEqual(expect.any(String))
    expect((await trusted.ask('DELETE', '/api/v1/tokens/0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f')).status).toBe(404)
    expect((await trusted.ask('POST', '/api/v1/tokens', { name: '' })).status).toBe(422)
  })

  test('accept the scheme of the header in any case', async () => {
    const { token } = await createToken(database(), 'x', 'tester')
    expect((await api.ask('GET', '/api/v1/machines', undefined, { authorization: `bearer ${token}` })).status).toBe(200)
  })

  test('answer unknown paths with a problem, and wrong methods with the allowed ones', async () => {
    expect(await trusted.ask('GET', '/api/v1/nothing')).toMatchObject({
      status: 404,
      type: 'application/problem+json',
      body: { title: 'Not Found', detail: 'no such path: /api/v1/nothing' },
    })
    const wrong = await trusted.ask('POST', '/api/v1/policy', {})
    expect([wrong.status, wrong.type, wrong.headers.get('allow')]).toEqual([
      405,
      'application/problem+json',
      'GET, HEAD, PUT',
    ])
  })

  test('answer bodies that are too large or not JSON with a problem', async () => {
    const put = (body: string, type: string) =>
      trusted.app.request('/api/v1/policy', { method: 'PUT', body, headers: { 'content-type': type } })
    for (const [body, type, status] of [
      ['{"kind":', 'application/json', 400],
      ['kind=wait', 'application/x-www-form-urlencoded', 415],
      [`"${'x'.repeat(2 ** 20)}"`, 'application/json', 413],
      ['[]', 'application/json', 422],
      ['null', 'application/json', 422],
    ] as const) {
      const response = await put(body, type)
      expect([status, response.status, response.headers.get('content-type')]).toEqual([
        status,
        status,
        'application/problem+json',
      ])
    }
  })

  test.each(['{"__proto__":{"denied":true}}', '{"labels":{"constructor":1}}', '{"labels":{"__proto__":{"x":"y"}}}'])(
    'the body %s is refused, and sets nothing that it should not',
    async (body) => {
      const headers = { 'content-type': 'application/json' }
      const response = await trusted.app.request('/api/v1/machines/525400000001', { method: 'PUT', body, headers })
      expect(response.status).toBe(422)
      expect(({} as { x?: string }).x).toBeUndefined()
    },
  )

  test('hide the details of an unexpected failure, which is logged', async () => {
    const broken = await openApi(database(), { scripts: brokenScripts })
    const reply = await broken.ask('GET', '/api/v1/machines/525400000001/script')
    await broken.remove()
    expect([reply.status, reply.body.detail]).toEqual([500, 'internal error; the log of the server has the reason'])
    expect(broken.logged.join('')).toContain('hunter2')
  })

  test('report the state of the database in the health and the readiness, and answer 503 if it is unreachable', async () => {
    expect(await api.ask('GET', '/healthz')).toMatchObject({
      status: 200,
      body: { status: 'ok', database: 'ok', version: readVersion() },
    })
    databaseIsThere = false
    expect(await api.ask('GET', '/healthz')).toMatchObject({
      status: 200,
      body: { status: 'degraded', database: 'away' },
    })
    expect(await api.ask('GET', '/readyz')).toMatchObject({
      status: 503,
      body: { status: 'unready', degraded: [{ reason: 'database-unreachable' }] },
    })
    const broken = await openApi(database(), {
      databaseAnswers: async () => false,
      scripts: brokenScripts,
    })
    const reply = await broken.ask('GET', '/api/v1/machines/525400000001/script')
    await broken.remove()
    databaseIsThere = true
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '5'])
  })
})
