import { afterAll, beforeAll, expect, test } from 'vitest'
import { hashToken } from '../../../src/inventory/access/tokens.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordReport } from '../../helpers/reports.ts'

const mac = '52:54:00:12:34:56'

eachDatabase('boots over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  const boot = async (address = mac) => {
    const facts = { mac: address, platform: 'efi', buildarch: 'x86_64' } as const
    return openBootFor(database(), facts, '192.0.2.7')
  }

  test('have events, a last stage and a decision, but never a token', async () => {
    const machine = (await api.ask('PUT', `/api/v1/machines/${mac}`, {})).body
    const { id, token } = await boot()
    await recordReport(database(), token, 'ready', '192.0.2.7', undefined)
    await recordReport(database(), token, 'booted', '192.0.2.7', 'debian 12')
    const { status, body } = await api.ask('GET', `/api/v1/boots/${id}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id,
      machineId: machine.id,
      mac,
      ip: '192.0.2.7',
      outcome: 'booted',
      message: 'debian 12',
      stage: 'booted',
    })
    expect(body.events.map((item: { stage: string; message?: string }) => [item.stage, item.message])).toEqual([
      ['script', 'local'],
      ['ready', undefined],
      ['booted', 'debian 12'],
    ])
    expect(body.decision.spec).toEqual({ kind: 'local', method: 'exit-1' })
    const list = await api.ask('GET', '/api/v1/boots')
    for (const text of [JSON.stringify(body), JSON.stringify(list.body)]) {
      expect(text).not.toContain(token)
      expect(text).not.toContain(hashToken(token))
      expect(text).not.toContain('null')
    }
  })

  test('that failed with a code of iPXE have the decoded code, and the message as reported', async () => {
    const { id, token } = await boot()
    await recordReport(database(), token, 'failed', '192.0.2.7', 'iPXE: kernel failed, error 2d0c613b')
    const failure = {
      code: '2d0c613b',
      title: 'HTTP 404: no such file on the server',
      meaning: 'The server has nothing at this URL.',
      page: 'https://ipxe.org/2d0c61',
    }
    const failed = { message: 'iPXE: kernel failed, error 2d0c613b', failure }
    const { body } = await api.ask('GET', `/api/v1/boots/${id}`)
    expect(body).toMatchObject({ outcome: 'failed', ...failed })
    expect(body.events.at(-1)).toMatchObject({ stage: 'failed', ...failed })
    expect((await api.ask('GET', '/api/v1/boots?limit=1')).body.items).toMatchObject([failed])
    const { body: changes } = await api.ask('GET', '/api/v1/changes?limit=1')
    expect(changes.items).toMatchObject([{ type: 'boot.failed', after: failed }])
  })

  test('are listed newest first, in pages, by machine and by outcome', async () => {
    const other = '52:54:00:00:00:02'
    await api.ask('PUT', `/api/v1/machines/${mac}`, {})
    await api.ask('PUT', `/api/v1/machines/${other}`, {})
    const made = [await boot(), await boot(), await boot(other)].map((keys) => keys.id)
    const ids = async (query: string) => {
      const { body } = await api.ask('GET', `/api/v1/boots${query}`)
      return [
        body.items.map((item: { id: string }) => made.indexOf(item.id)),
        body.next === undefined ? undefined : made.indexOf(body.next),
      ]
    }
    expect(await ids('')).toEqual([[2, 1, 0], undefined])
    expect(await ids('?limit=2')).toEqual([[2, 1], 1])
    expect(await ids(`?limit=2&before=${made[1]}`)).toEqual([[0], undefined])
    expect(await ids('?machine=525400123456')).toEqual([[1, 0], undefined])
    expect(await ids('?machine=525400999999')).toEqual([[], undefined])
    expect(await ids('?outcome=open')).toEqual([[2, 1], undefined])
    expect(await ids('?outcome=superseded')).toEqual([[0], undefined])
    for (const query of ['outcome=lost', 'before=1', 'machine=no%20name', 'limit=0'])
      expect((await api.ask('GET', `/api/v1/boots?${query}`)).status).toBe(422)
    expect((await api.ask('GET', '/api/v1/boots/0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f')).status).toBe(404)
  })
})
