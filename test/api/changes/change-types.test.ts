import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listChangesAfter } from '../../../src/inventory/changes/changes.ts'
import { type ChangeType, changeTypes } from '../../../src/inventory/changes/types.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { type ReceivedMessage, startWebhookReceiver, type WebhookReceiver } from '../../helpers/webhook-receiver.ts'

eachDatabase('types of changes', (database) => {
  let api: Api
  let receiver: WebhookReceiver
  let url: string
  let received: ReceivedMessage[]

  beforeAll(async () => {
    api = await openApi(database())
    receiver = await startWebhookReceiver((path) => (path === '/refuses' ? 418 : 204))
    ;({ url, received } = receiver)
  })
  afterAll(async () => {
    receiver.stop()
    await api.remove()
  })

  test('are listed by noun', async () => {
    const { status, body } = await api.ask('GET', '/api/v1/change-types')
    expect(status).toBe(200)
    expect(body.items.flatMap(({ types }: { types: ChangeType[] }) => types)).toEqual(changeTypes)
    expect(body.items).toContainEqual({ noun: 'secret', types: ['secret.changed', 'secret.deleted'] })
  })

  test('are refused by webhooks, the audit log and the feed if unknown', async () => {
    for (const type of ['bogus', 'deployment.done', 'machine.', 'Machine', 'boot.superseded']) {
      const refused = await api.ask('POST', '/api/v1/webhooks', { url, types: [type] })
      expect([type, refused.status, refused.body.errors?.[0]?.field]).toEqual([type, 422, 'types[0]'])
      expect(refused.body.detail).toContain('GET /change-types')
      expect((await api.ask('GET', `/api/v1/changes?type=${type}`)).status).toBe(422)
      expect((await api.ask('GET', `/api/v1/events?types=group,${type}`)).status).toBe(422)
    }
    expect((await api.ask('GET', '/api/v1/webhooks')).body.items).toEqual([])
  })

  test('come with the id, MAC and host name of the machine, even after its deletion', async () => {
    const { body: machine } = await api.ask('PUT', '/api/v1/machines/52-54-00-aa-00-01', {
      macs: ['525400aa0002', '525400aa0001'],
      hostname: 'rack4-7',
    })
    await api.ask('PUT', `/api/v1/machines/${machine.id}/secrets/pw`, { value: 's3cret' })
    await api.ask('PUT', '/api/v1/groups/web', { everybody: true, assignment: {} })
    await api.ask('DELETE', `/api/v1/machines/${machine.id}`)
    const named = { id: machine.id, mac: '52:54:00:aa:00:01', hostname: 'rack4-7' }
    const { items } = (await api.ask('GET', '/api/v1/changes')).body
    const machines = items.map(({ type, machine: about }: { type: string; machine: object }) => [type, about])
    expect(machines.slice(0, 4)).toEqual([
      ['machine.deleted', named],
      ['group.created', undefined],
      ['secret.changed', { id: machine.id }],
      ['machine.created', named],
    ])
    expect((await listChangesAfter(database(), { tx: 0, id: 0 }, 10))[0]?.machine).toEqual(named)
  })

  test('include the signed test message of a webhook, whose answer is returned', async () => {
    const good = (await api.ask('POST', '/api/v1/webhooks', { url, types: ['image'] })).body
    const refusing = (await api.ask('POST', '/api/v1/webhooks', { url: `${url}/refuses` })).body
    const nobody = (await api.ask('POST', '/api/v1/webhooks', { url: 'http://127.0.0.1:1/' })).body
    received.length = 0
    const ask = async ({ id }: { id: string }) => (await api.ask('POST', `/api/v1/webhooks/${id}/test`)).body
    expect(await ask(good)).toMatchObject({ delivered: true, status: 204, message: { type: 'webhook.test' } })
    expect(await ask(refusing)).toMatchObject({ delivered: false, status: 418 })
    expect(await ask(nobody)).toMatchObject({ delivered: false, error: expect.stringMatching(/ECONNREFUSED|bad port/) })
    const [{ body, headers }] = received as [ReceivedMessage]
    expect(new Webhook(good.secret).verify(body, headers)).toMatchObject({
      type: 'webhook.test',
      data: { subject: good.id },
    })
    expect((await api.ask('POST', `/api/v1/webhooks/01930000-0000-7000-8000-000000000000/test`)).status).toBe(404)
    expect((await api.ask('GET', '/api/v1/changes?limit=1')).body.items[0].type).toBe('webhook.created')
  })

  test('include webhook changes, which hide the keys in URLs', async () => {
    const { body } = await api.ask('POST', '/api/v1/webhooks', { url: `${url}/hook/hunter2?key=hunter2` })
    await api.ask('PATCH', `/api/v1/webhooks/${body.id}`, { url: `${url}/hook?key=hunter3`, active: false })
    await api.ask('DELETE', `/api/v1/webhooks/${body.id}`)
    const { items } = (await api.ask('GET', `/api/v1/changes?subject=${body.id}`)).body
    expect(items.map(({ type }: { type: string }) => type)).toEqual([
      'webhook.deleted',
      'webhook.changed',
      'webhook.created',
    ])
    expect(JSON.stringify(items)).toContain(`${url}/…"`)
    expect(JSON.stringify(items)).not.toContain('hunter')
  })
})
