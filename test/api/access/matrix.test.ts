import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Action, may } from '../../../src/auth/may.ts'
import { createToken } from '../../../src/inventory/access/tokens.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { roles } from '../../../src/model/access/role.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

type Operation = { operationId: string; 'x-action'?: Action; security?: unknown[] }
type Row = { method: string; path: string; operationId: string; action: Action | 'open' }

const mine = '52:54:00:00:00:01'
const other = '52:54:00:00:00:02'

eachDatabase('the access matrix', (database) => {
  let api: Api
  let rows: Row[] = []
  beforeAll(async () => {
    api = await openApi(database(), { trusted: false })
    const document = await api.ask('GET', '/api/v1/openapi.json')
    rows = Object.entries(document.body.paths as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId, 'x-action': action = 'open' as const }]) => ({
        ...{ method: method.toUpperCase(), path, operationId, action },
      })),
    )
  })
  afterAll(() => api.remove())

  /** Sends a request with parameters that name nothing, so that it changes nothing, and reads only its status. */
  const statusOf = async ({ method, path }: Row, authorization?: string, id = 'ff:ff:ff:00:00:01') => {
    const names: Record<string, string> = { id, sha256: '0'.repeat(64), version: '999999', server: 'nothing' }
    const url = path
      .replaceAll(/\{([a-zA-Z0-9]+)\}/g, (_, name: string) => names[name] ?? 'nothing')
      .replace('/webhooks/ff:', '/webhooks/nothing')
    const headers = { ...(authorization && { authorization }), 'content-type': 'application/json' }
    const body = ['GET', 'DELETE'].includes(method) ? {} : { body: '{"nothing":1}' }
    const response = await api.app.request(url, { method, headers, ...body })
    const problem = response.headers.get('content-type')?.startsWith('application/problem')
    const code = problem ? ((await response.json()) as { code?: string }).code : await response.body?.cancel()
    return `${response.status}${code === undefined ? '' : ` ${code}`}`
  }
  const tokenOf = async (
    ...rights: Parameters<typeof createToken> extends [unknown, unknown, unknown, ...infer R] ? R : never
  ) => `Bearer ${(await createToken(database(), 'matrix', 'tester', ...rights)).token}`
  const isRefused = (status: string) => /^(401|403)/.test(status)

  test.each(roles)('lets a %s do what its role may do, and nothing else', async (role) => {
    const token = await tokenOf({ role })
    for (const row of rows) {
      const status = await statusOf(row, token)
      const allowed = row.action === 'open' || may(role, row.action)
      expect([row.operationId, role, status, isRefused(status)]).toEqual([row.operationId, role, status, !allowed])
      if (!allowed) expect([row.operationId, status]).toEqual([row.operationId, '403 BW-ACCESS-ROLE'])
    }
  })

  test('refuses every operation without a token, with a wrong, an expired and a revoked one', async () => {
    const expired = await tokenOf({ role: 'admin', expiresAt: new Date(Date.now() - 1000) })
    for (const token of [undefined, 'Bearer bw_wrong', expired])
      for (const row of rows.filter(({ action }) => action !== 'open'))
        expect([row.operationId, await statusOf(row, token)]).toEqual([row.operationId, '401 BW-ACCESS-TOKEN'])
  })

  test('shows a token for some machines these machines only, and refuses what concerns all', async () => {
    await saveMachine(database(), { mac: mine }, { hostname: 'mine', labels: { rack: 'b4' } }, {}, 'tester')
    await saveMachine(database(), { mac: other }, { hostname: 'other', labels: { rack: 'c1' } }, {}, 'tester')
    const token = await tokenOf({ role: 'admin', scope: { rack: 'b4' } })
    const ask = (method: string, path: string, body?: unknown) =>
      api.ask(method, `/api/v1${path}`, body, { authorization: token })
    expect((await ask('GET', '/machines')).body.items.map(({ hostname }: { hostname: string }) => hostname)).toEqual([
      'mine',
    ])
    expect((await ask('GET', '/machines?label=rack=c1')).body.items).toEqual([])
    expect((await ask('GET', '/machines/export?format=csv')).body).not.toContain('other')
    for (const path of rows.filter(({ path }) => path.startsWith('/api/v1/machines/{id}'))) {
      if (['mergeMachine', 'archiveMachine', 'releaseMachine', 'getTimeline', 'putMachine'].includes(path.operationId))
        continue
      expect([path.operationId, await statusOf(path, token, other)]).toEqual([path.operationId, '404'])
    }
    expect((await ask('GET', `/machines/${mine}`)).status).toBe(200)
    expect((await ask('PATCH', `/machines/${mine}`, { denied: false })).status).toBe(200)
    expect((await ask('PATCH', `/machines/${mine}`, { labels: { rack: null } })).body.code).toBe('BW-ACCESS-SCOPE')
    expect((await ask('PATCH', `/machines/${mine}`, { macs: [mine, other] })).body.code).toBe('BW-ACCESS-SCOPE')
    // A machine that is replaced loses its labels, and with them its scope.
    for (const mac of [mine, other, '52:54:00:00:00:09'])
      expect((await ask('PUT', `/machines/${mac}`, { hostname: 'mine' })).body.code).toBe('BW-ACCESS-SCOPE')
    expect((await ask('GET', `/machines/${mine}`)).body.labels).toEqual({ rack: 'b4' })
    expect((await ask('POST', '/deployments', { machine: other, image: 'x' })).status).toBe(404)
    // A host name that is used twice does not show the other machine.
    const namesake = await ask('PATCH', `/machines/${mine}`, { hostname: 'other' })
    expect(namesake.body.notices).toEqual([expect.stringContaining('other machines have the host name other too')])
    const ambiguous = await ask('GET', '/machines/other')
    expect([ambiguous.status, JSON.stringify([namesake.body, ambiguous.body]).includes(other)]).toEqual([409, false])
    expect(
      (await api.ask('GET', '/api/v1/machines/other', undefined, { authorization: await tokenOf() })).body.detail,
    ).toContain(other)
    const bulk = { selector: [], image: 'x', force: true, dryRun: true }
    expect((await ask('POST', '/deployments/bulk', bulk)).status).toBe(422)
    for (const [method, path] of [
      ['GET', '/changes'],
      ['PUT', '/groups/x'],
      ['PUT', '/policy'],
      ['POST', '/tokens'],
      ['GET', '/events'],
    ] as const)
      expect([path, (await ask(method, path, method === 'GET' ? undefined : {})).body.code]).toEqual([
        path,
        'BW-ACCESS-SCOPE',
      ])
  })
})
