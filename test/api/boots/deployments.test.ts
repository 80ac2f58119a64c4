import { afterAll, beforeAll, expect, test } from 'vitest'
import { idempotencyKeys } from '../../../src/db/schema/system.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordReport } from '../../helpers/reports.ts'

const path = '/api/v1/deployments'
const mac = '52:54:00:12:34:56'
const machine = `/api/v1/machines/${mac}`

eachDatabase('deployments over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const prepare = async () => {
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    return (await api.ask('PUT', machine, { labels: { rack: 'b4' } })).body.id
  }
  const arm = (more: object = {}, headers = {}) =>
    api.ask('POST', path, { machine: mac, image: 'debian', ...more }, headers)

  test('are armed by POST with any key of the machine, and can be read and listed', async () => {
    const machineId = await prepare()
    const { status, headers, body: answer } = await arm({ machine: '5254.0012.3456', params: { a: 1 }, maxAttempts: 2 })
    const { concerns, ...body } = answer
    expect([status, headers.get('location')]).toEqual([201, `${path}/${body.id}`])
    const change = { before: 'the local disk', after: 'image debian version 1, to install it', machines: 1 }
    expect(concerns).toEqual({ applied: true, machines: 1, checked: 1, more: false, changes: [change] })
    expect(body).toEqual({
      id: body.id,
      machineId,
      image: 'debian',
      version: 1,
      params: { a: 1 },
      state: 'armed',
      attempts: 0,
      maxAttempts: 2,
      windowSeconds: 86_400,
      armedBy: 'operator',
      createdAt: expect.any(String),
    })
    expect((await api.ask('GET', `${path}/${body.id}`)).body).toEqual(body)
    for (const query of [`machine=${mac}`, 'state=armed', 'state=active', 'image=debian'])
      expect((await api.ask('GET', `${path}?${query}`)).body.items).toEqual([{ ...body, machine: mac }])
    for (const query of ['machine=52:54:00:00:00:09', 'state=installed', 'image=other'])
      expect((await api.ask('GET', `${path}?${query}`)).body.items).toEqual([])
    expect((await api.ask('GET', `${machine}/decision`)).body.deployment).toEqual({
      id: body.id,
      attempt: 1,
      maxAttempts: 2,
    })
  })

  test('conflict with an active deployment, unless they replace it', async () => {
    await prepare()
    const first = (await arm()).body
    const refused = await arm()
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining(first.id)])
    expect((await arm({ replace: true })).status).toBe(201)
    expect((await api.ask('GET', `${path}/${first.id}`)).body).toMatchObject({ state: 'cancelled' })
  })

  test('can be cancelled only once', async () => {
    await prepare()
    const { id } = (await arm()).body
    expect((await api.ask('POST', `${path}/${id}/cancel`)).body).toMatchObject({
      state: 'cancelled',
      reason: 'an operator cancelled the deployment',
    })
    expect((await api.ask('POST', `${path}/${id}/cancel`)).status).toBe(409)
  })

  test('have the message of the machine as their reason, and filter the boots', async () => {
    await prepare()
    const { id } = (await arm()).body
    const { token, id: bootId } = await openBootFor(
      database(),
      { mac, platform: 'efi', buildarch: 'x86_64' },
      '192.0.2.1',
    )
    await recordReport(database(), token, 'ready', '192.0.2.1', undefined)
    await recordReport(database(), token, 'failed', '192.0.2.1', 'no disk')
    expect((await api.ask('GET', `${path}/${id}`)).body).toMatchObject({
      state: 'failed',
      attempts: 1,
      reason: 'no disk',
    })
    const boots = (await api.ask('GET', `/api/v1/boots?deployment=${id}`)).body.items
    expect(boots).toMatchObject([
      { id: bootId, deploymentId: id, outcome: 'failed', stage: 'failed', message: 'no disk' },
    ])
    expect((await api.ask('GET', `/api/v1/boots/${bootId}`)).body.script).toContain('…')
  })

  test('are armed for every machine that matches a selector, and a dry run lists the machines', async () => {
    const id = await prepare()
    await api.ask('PUT', '/api/v1/machines/52:54:00:00:00:02', { labels: { rack: 'b5' } })
    const body = { selector: [{ label: 'rack', equals: 'b4' }], image: 'debian' }
    const dry = await api.ask('POST', `${path}/bulk`, { ...body, dryRun: true })
    expect(dry.body).toMatchObject({ armed: [{ id: expect.any(String), machineId: id, machine: mac }], skipped: [] })
    expect((await api.ask('GET', path)).body.items).toEqual([])
    await api.ask('POST', `${path}/bulk`, body)
    expect((await api.ask('POST', `${path}/bulk`, body)).body).toMatchObject({
      armed: [],
      skipped: [{ machineId: id, machine: mac, why: 'the machine has an active deployment' }],
    })
  })

  test('are armed once for an Idempotency-Key, after the preview of the machine', async () => {
    await prepare()
    const first = await arm({}, { 'idempotency-key': 'k-1' })
    const again = await arm({}, { 'idempotency-key': 'k-1' })
    expect([first.status, again.status, again.body.id]).toEqual([201, 201, first.body.id])
  })

  test('protect their machine from deletion, unless the request cancels them; the audit log has both changes', async () => {
    await prepare()
    const { id } = (await arm()).body
    const refused = await api.ask('DELETE', machine)
    expect([refused.status, refused.body.detail]).toEqual([
      409,
      expect.stringContaining(`an active deployment: ${id} of debian`),
    ])
    expect((await api.ask('DELETE', `${machine}?cancelDeployment=yes`)).status).toBe(422)
    expect((await api.ask('DELETE', `${machine}?cancelDeployment=true`)).status).toBe(204)
    const { items } = (await api.ask('GET', '/api/v1/changes?type=deployment.cancelled')).body
    expect(items[0]).toMatchObject({ subject: id, after: { reason: 'the machine was deleted' } })
    expect((await api.ask('GET', machine)).status).toBe(404)
  })

  test.each<object>([{}, { batch: '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f', selector: [{ label: 'a', equals: 'b' }] }])(
    'cancelling %j is refused: one of batch and selector is needed',
    async (body) => {
      const reply = await api.ask('POST', `${path}/cancel`, body)
      expect([reply.status, reply.body.errors[0].field]).toEqual([422, 'batch'])
    },
  )

  test.each<[string, object, number]>([
    ['a machine that does not exist', { machine: '52:54:00:00:00:09' }, 404],
    ['an image that does not exist', { image: 'nothing' }, 422],
    ['an answer file that does not exist', { answerFile: 'nothing' }, 422],
    ['no attempts', { maxAttempts: 0 }, 422],
    ['a short window', { windowSeconds: 5 }, 422],
    ['a field of no meaning', { imgae: 'x' }, 422],
  ])('refuse an order with %s', async (_, more, status) => {
    await prepare()
    expect((await arm(more)).status).toBe(status)
    expect((await api.ask('GET', path)).body.items).toEqual([])
  })

  test('are armed once by a request that is repeated with its Idempotency-Key', async () => {
    await prepare()
    const headers = { 'idempotency-key': 'order-17' }
    const first = await arm({}, headers)
    const again = await arm({}, headers)
    expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([201, first.body, 'true'])
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect((await arm({ maxAttempts: 5 }, headers)).status).toBe(422)
    expect((await arm({}, { 'idempotency-key': 'another' })).status).toBe(409)
    expect((await arm({}, { 'idempotency-key': 'a b' })).status).toBe(422)
  })

  test('are armed once by many simultaneous requests with the same Idempotency-Key', async () => {
    await prepare()
    const replies = await Promise.all(Array.from({ length: 6 }, () => arm({}, { 'idempotency-key': 'k' })))
    expect(new Set(replies.map((item) => `${item.status} ${item.body.id}`)).size).toBe(1)
    expect((await api.ask('GET', path)).body.items.length).toBe(1)
  })

  test('can be armed by a retry with the same Idempotency-Key after a failure', async () => {
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const headers = { 'idempotency-key': 'k2' }
    expect((await arm({}, headers)).status).toBe(404)
    await prepare()
    expect((await arm({}, headers)).status).toBe(201)
  })

  test('have encrypted saved answers in the database', async () => {
    const made = await api.ask('POST', '/api/v1/tokens', { name: 'ci' }, { 'idempotency-key': 't' })
    const again = await api.ask('POST', '/api/v1/tokens', { name: 'ci' }, { 'idempotency-key': 't' })
    expect(again.body.token).toBe(made.body.token)
    expect(JSON.stringify(await database().select().from(idempotencyKeys))).not.toContain(made.body.token)
  })
})
