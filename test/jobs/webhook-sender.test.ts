import { pino } from 'pino'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { changes, webhookDeliveries, webhooks } from '../../src/db/schema/changes.ts'
import { listChangesAfter, recordChanges } from '../../src/inventory/changes/changes.ts'
import type { ChangeType } from '../../src/inventory/changes/types.ts'
import { startWebhookSender } from '../../src/jobs/webhook-sender.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { type Api, openApi } from '../helpers/api.ts'
import { brokenAnswers, framings, startClosingServer } from '../helpers/closing-server.ts'
import { eachDatabase } from '../helpers/database.ts'
import { type ReceivedMessage, startWebhookReceiver, type WebhookReceiver } from '../helpers/webhook-receiver.ts'

const sealer = createSealer(Buffer.alloc(32, 1))

eachDatabase('webhooks', (database) => {
  let api: Api
  let receiver: WebhookReceiver
  let url: string
  let received: ReceivedMessage[]
  let answer: (count: number) => number = () => 204
  const stops: (() => Promise<void>)[] = []

  beforeAll(async () => {
    api = await openApi(database())
    receiver = await startWebhookReceiver((_, count) => answer(count))
    ;({ url, received } = receiver)
  })
  afterAll(async () => {
    receiver.stop()
    await api.remove()
  })
  beforeEach(() => {
    received.length = 0
    answer = () => 204
  })
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  // A receiver in the same busy process may be slow, so the timeout is short only where a test needs it.
  const start = (retriesMs = [20, 20], timeoutMs = 10_000) =>
    stops.push(
      startWebhookSender(database(), sealer, pino({ level: 'silent' }), { everyMs: 20, timeoutMs, retriesMs }).stop,
    )
  const make = async (types: string[] = []) =>
    (await api.ask('POST', '/api/v1/webhooks', { url, types })).body as { id: string; secret: string }
  const change = (subject: string, type: ChangeType = 'group.changed') =>
    database().transaction((tx) => recordChanges(tx, [{ actor: 'x', type, subject, after: { text: 'Zürich' } }]))
  const subjects = () => received.map(({ body }) => JSON.parse(body).data.subject)
  const dead = async (id: string) => (await api.ask('GET', `/api/v1/webhooks/${id}/dead`)).body.items

  test('send later changes of the requested types, with a signature that others can verify', async () => {
    await change('before')
    // A change is settled when no older transaction is running on the whole database server.
    const settled = async () => (await listChangesAfter(database(), { tx: 0, id: 0 }, 10)).length
    await expect.poll(settled, { timeout: 10_000 }).toBe(1)
    const { secret } = await make(['group', 'deployment.failed'])
    start()
    await change('a')
    await change('b', 'machine.changed')
    await change('c', 'deployment.failed')
    await expect.poll(subjects, { timeout: 12_000 }).toEqual(['a', 'c'])
    for (const { headers, body } of received)
      expect(new Webhook(secret).verify(body, headers)).toMatchObject({
        type: expect.any(String),
        data: { actor: 'x' },
      })
    expect(() => new Webhook(secret).verify(`${received[0]?.body} `, received[0]?.headers ?? {})).toThrow()
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      type: 'group.changed',
      timestamp: expect.stringMatching(/Z$/),
      data: { subject: 'a', after: { text: 'Zürich' } },
    })
  })

  test('retry a message with the same id until the receiver accepts it', async () => {
    answer = (count) => (count < 3 ? 500 : 200)
    const { id } = await make(['group'])
    start()
    await change('a')
    await expect.poll(() => received.length, { timeout: 12_000 }).toBe(3)
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    await expect
      .poll(async () => (await database().select().from(webhookDeliveries)).length, { timeout: 12_000 })
      .toBe(0)
    expect(await dead(id)).toEqual([])
  })

  test.each([
    ['an error', 503, 'the receiver answered 503'],
    ['a redirect, which is not followed', 302, 'the receiver answered 302'],
    ['silence', 0, expect.stringMatching(/timeout|aborted/i)],
  ])('give up after the last attempt at %s, and redeliver the dead message on request', async (_, status, error) => {
    answer = () => status
    const { id } = await make(['group'])
    start([10], status === 0 ? 300 : undefined)
    await change('a')
    await expect.poll(async () => (await dead(id)).length, { timeout: 12_000 }).toBe(1)
    const [message] = await dead(id)
    expect(message).toMatchObject({ attempts: 2, error })
    expect([received.length, JSON.parse(message.body).data.subject]).toEqual([2, 'a'])
    answer = () => 200
    expect((await api.ask('POST', `/api/v1/webhooks/${id}/dead/${message.id}/retry`)).status).toBe(204)
    await expect.poll(async () => [received.length, (await dead(id)).length], { timeout: 12_000 }).toEqual([3, 0])
  })

  test('read every kind of response correctly, however the receiver closes the connection', async () => {
    const huge = Buffer.alloc(2_000_000)
    const good = Object.values(framings).map((frame) => frame(huge))
    const answers = [...good, ...Object.values(brokenAnswers)]
    const odd = await startClosingServer((path) => answers[Number(path.slice(1))] ?? [])
    try {
      const hooks = await Promise.all(
        answers.map((_, index) =>
          api.ask('POST', '/api/v1/webhooks', { url: `${odd.url}/${index}`, types: ['group'] }),
        ),
      )
      start([], 2000)
      await change('a')
      // A response with a status counts, even if its body is broken.
      const broken = Object.keys(brokenAnswers).map((name, index) => ({
        name,
        id: hooks[good.length + index]?.body.id,
      }))
      const withoutStatus = broken.filter(({ name }) => !/^(a body|chunks)/.test(name))
      const failed = () => Promise.all(withoutStatus.map(async ({ id }) => (await dead(id)).length))
      await expect.poll(failed, { timeout: 12_000 }).toEqual(withoutStatus.map(() => 1))
      const goodIds = hooks.slice(0, good.length).map(({ body }) => body.id as string)
      const left = async () => (await database().select().from(webhookDeliveries)).map((message) => message.webhookId)
      await expect
        .poll(async () => (await left()).filter((id) => goodIds.includes(id)), { timeout: 12_000 })
        .toEqual([])
    } finally {
      await odd.stop()
    }
  })

  test('are switched off by 410 Gone, and can be switched on by the operator', async () => {
    answer = () => 410
    const { id } = await make(['group'])
    start()
    await change('a')
    const active = async () => (await api.ask('GET', '/api/v1/webhooks')).body.items[0].active
    await expect.poll(active, { timeout: 12_000 }).toBe(false)
    await change('b')
    answer = () => 200
    expect((await api.ask('PATCH', `/api/v1/webhooks/${id}`, { active: true })).body.active).toBe(true)
    await expect.poll(subjects, { timeout: 12_000 }).toEqual(['a', 'b'])
  })

  test('are sent once, even by several senders', async () => {
    await make(['group'])
    for (let count = 0; count < 3; count++) start()
    const all = Array.from({ length: 40 }, (_, n) => `s${n}`)
    for (const subject of all) await change(subject)
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(40)
    expect(subjects().sort()).toEqual(all.sort())
  })

  test('are not delayed by the unreachable receiver of another webhook', async () => {
    await api.ask('POST', '/api/v1/webhooks', { url: 'http://127.0.0.1:1/', types: ['group'] })
    await make(['group'])
    start([60_000])
    await change('a')
    await expect.poll(subjects, { timeout: 12_000 }).toEqual(['a'])
  })

  test('are listed without their secret, which is encrypted, and can be deleted', async () => {
    const { id, secret } = await make(['group'])
    const list = await api.ask('GET', '/api/v1/webhooks')
    expect(list.body.items).toMatchObject([{ id, url, types: ['group'], active: true }])
    expect(
      JSON.stringify([list.body, await database().select().from(webhooks), await database().select().from(changes)]),
    ).not.toContain(secret)
    expect((await api.ask('DELETE', `/api/v1/webhooks/${id}`)).status).toBe(204)
    expect((await api.ask('DELETE', `/api/v1/webhooks/${id}`)).status).toBe(404)
    expect((await api.ask('GET', `/api/v1/webhooks/${id}/dead`)).status).toBe(404)
  })

  test.each(['ftp://x/', 'x', 'http://user:password@x/', ''])('cannot have the URL %j', async (wrong) => {
    expect((await api.ask('POST', '/api/v1/webhooks', { url: wrong })).status).toBe(422)
  })

  test('are not delayed by a receiver that never answers', async () => {
    const silent = await startWebhookReceiver(() => 0)
    try {
      await api.ask('POST', '/api/v1/webhooks', { url: silent.url, types: ['group'] })
      await make(['group'])
      for (let n = 0; n < 60; n++) await change(`of-both-${n}`)
      // This timeout is longer than the test, so every message to the other receiver is sent during the wait.
      start([600_000], 600_000)
      await expect
        .poll(() => subjects().filter((subject) => subject.startsWith('of-both-')).length, { timeout: 15_000 })
        .toBe(60)
    } finally {
      silent.stop()
    }
  })
})
