import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const macOf = (n: number) =>
  `52:54:00:00:${Math.floor(n / 256)
    .toString(16)
    .padStart(2, '0')}:${(n % 256).toString(16).padStart(2, '0')}`

eachDatabase('the sync of machines over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const send = async (query: string, text: string, type = 'application/x-ndjson') => {
    const response = await api.app.request(`/api/v1/machines/sync?${query}`, {
      method: 'POST',
      headers: { 'content-type': type, accept: 'application/x-ndjson' },
      body: text,
    })
    const answer = await response.text()
    const lines = response.headers.get('content-type')?.includes('ndjson')
      ? answer
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      : [JSON.parse(answer)]
    return { status: response.status, lines, end: lines.at(-1) }
  }
  const ndjson = (rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const machines = async () => (await api.ask('GET', '/api/v1/machines?limit=500')).body.items

  test('lists the machines of an owner, by their external ids, and in a search by text', async () => {
    await send(
      'owner=cmdb',
      ndjson([
        { externalId: 'SRV-1', hostname: 'n1' },
        { externalId: 'srv_2', hostname: 'n2' },
      ]),
    )
    await send('owner=dcim', ndjson([{ externalId: 'srv_2', hostname: 'n3', expectedBy: '2027-03-31' }]))
    const found = async (query: string) => {
      const { body } = await api.ask('GET', `/api/v1/machines?${query}`)
      return body.items.map(({ hostname }: { hostname: string }) => hostname).join(' ')
    }
    expect(await found('owner=cmdb')).toBe('n1 n2')
    expect(await found('externalId=srv_2')).toBe('n2 n3')
    expect(await found('externalId=srv_2&owner=dcim')).toBe('n3')
    expect(await found('q=srv-')).toBe('n1')
    expect(await found('q=RV_')).toBe('n2 n3')
    expect(await found('state=expected')).toBe('n3')
  })

  test('takes CSV, JSON and YAML, and plans with old and new values', async () => {
    const csv = 'externalId,mac,hostname,label.rack\ns-1,525400000001,n1,b4\n'
    expect(await send('owner=cmdb', csv, 'text/csv')).toMatchObject({
      status: 200,
      lines: [
        {
          line: 2,
          outcome: 'created',
          externalId: 's-1',
          machine: 'n1',
          changes: expect.arrayContaining([{ field: 'hostname', after: 'n1' }]),
        },
        { rows: 1, created: 1, applied: true },
      ],
    })
    const json = '[{"externalId": "s-1", "hostname": "n2", "labels": {"rack": "b5"}}]'
    expect((await send('owner=cmdb&dryRun=true', json, 'application/json')).lines[0]).toMatchObject({
      line: 1,
      outcome: 'changed',
      changes: [
        { field: 'hostname', before: 'n1', after: 'n2' },
        { field: 'labels.rack', before: 'b4', after: 'b5' },
      ],
    })
    const yaml = '- externalId: s-1\n  labels:\n    rack: b6\n  expectedBy: 2027-03-31\n'
    expect((await send('owner=cmdb', yaml, 'application/yaml')).end).toMatchObject({ changed: 1, applied: true })
    expect((await machines())[0]).toMatchObject({ hostname: 'n1', labels: { rack: 'b6' }, expectedBy: '2027-03-31' })
  })

  test('refuses a whole file of 5,000 rows for one bad row, and names its row and field', async () => {
    const rows = Array.from({ length: 5000 }, (_, n) => ({ externalId: `${n}`, mac: macOf(n), hostname: `n${n}` }))
    const bad = rows.with(3210, { externalId: '3210', mac: macOf(3210), hostname: 'not a name' })
    const refused = await send('owner=cmdb', ndjson(bad))
    expect(refused.status).toBe(422)
    expect(refused.lines).toContainEqual({
      line: 3211,
      errors: [expect.objectContaining({ field: 'hostname', value: 'not a name' })],
    })
    expect(refused.end).toMatchObject({ rows: 5000, failed: 1, applied: false })
    expect(await machines()).toEqual([])
    const done = await send('owner=cmdb', ndjson(rows))
    expect(done.end).toMatchObject({ created: 5000, applied: true })
    const third = await send('owner=cmdb&prune=true', ndjson(rows.slice(1667)))
    expect([third.status, third.end.detail]).toEqual([
      409,
      expect.stringContaining('would remove 1667 of 5000 machines'),
    ])
    const night = rows.slice(10).map((row, n) => (n % 50 === 0 ? { ...row, hostname: `new${n}` } : row))
    expect((await send('owner=cmdb&prune=true', ndjson(night.toReversed()))).end).toMatchObject({
      changed: 100,
      archived: 10,
      applied: true,
    })
  }, 120_000)

  test('answers with one document, and refuses a plan that is another one now', async () => {
    const body = '[{"externalId": "1", "mac": "52:54:00:00:00:01"}]'
    const headers = { 'content-type': 'application/json', accept: 'application/json' }
    const ask = async (query: string) => {
      const response = await api.app.request(`/api/v1/machines/sync?${query}`, { method: 'POST', headers, body })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    const plan = await ask('owner=cmdb&dryRun=true')
    expect(plan.body).toMatchObject({ created: 1, applied: false, items: [{ outcome: 'created' }] })
    await api.ask('PUT', '/api/v1/machines/525400000001', { hostname: 'hers' })
    expect((await ask(`owner=cmdb&expect=${plan.body.digest}`)).status).toBe(409)
    expect((await ask('owner=cmdb&pruneMax=x')).body.detail).toContain('pruneMax')
    expect((await ask('owner=No')).status).toBe(422)
  })

  test('archives, lists, restores and deletes machines', async () => {
    await send('owner=cmdb', ndjson([{ externalId: 's-1', mac: macOf(1), hostname: 'n1' }]))
    const [{ id }] = await machines()
    expect((await api.ask('POST', `/api/v1/machines/${id}/archive`)).status).toBe(204)
    expect((await api.ask('GET', `/api/v1/machines/${id}`)).status).toBe(404)
    const { body } = await api.ask('GET', '/api/v1/machines/archived?q=s-1')
    expect(body.items).toMatchObject([
      { id, name: 'n1', macs: [macOf(1)], sources: [{ owner: 'cmdb', externalId: 's-1' }], archivedBy: 'operator' },
    ])
    expect((await api.ask('GET', '/api/v1/machines/archived?q=other')).body.items).toEqual([])
    const kept = await send('owner=cmdb', ndjson([{ externalId: 's-1', hostname: 'n2' }]))
    expect(kept.lines[0]).toMatchObject({ kept: [{ field: 'machine', by: 'operator', isPerson: true }] })
    expect((await api.ask('POST', `/api/v1/machines/archived/${id}/restore`)).body).toMatchObject({
      id,
      hostname: 'n1',
    })
    expect((await api.ask('POST', `/api/v1/machines/archived/${id}/restore`)).status).toBe(404)
    await api.ask('POST', `/api/v1/machines/${id}/archive`)
    expect((await api.ask('DELETE', `/api/v1/machines/archived/${id}`)).status).toBe(204)
    expect((await api.ask('GET', '/api/v1/machines/archived')).body.items).toEqual([])
  })
})
