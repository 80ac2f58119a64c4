import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { rowsOf } from '../../../src/db/rows.ts'
import { createToken } from '../../../src/inventory/access/tokens.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { takeStep } from '../../../src/jobs/rollouts.ts'
import { type Api, createAsk, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { bootArmed, bootMachine, enterFleet, macOfFleet } from '../../helpers/fleet.ts'

vi.setConfig({ testTimeout: 60_000 })

const path = '/api/v1/rollouts'

eachDatabase('rollouts over the API', (database) => {
  let api: Api
  let ids: string[]
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    for (const args of [['a'], ['b']])
      await saveImage(
        database(),
        'tool',
        { variants: [{ kind: 'local', arch: 'x86_64', args }] as never },
        {},
        'tester',
      )
    ids = await enterFleet(database(), 40)
  })
  const start = async (body: object = {}) => {
    const answer = await api.ask('POST', path, { action: 'deploy', image: 'tool', ids, ...body })
    expect(answer.status, JSON.stringify(answer.body)).toBe(201)
    return answer.body.rollout.id as string
  }
  const get = async (id: string) => (await api.ask('GET', `${path}/${id}`)).body
  const act = async (id: string, what: string, body: object = {}) => api.ask('POST', `${path}/${id}/${what}`, body)
  const run = async (id: string) => {
    while (await takeStep(api.deps, id));
  }

  test('are previewed: how many machines each wave has, and which would be skipped', async () => {
    await api.ask('PATCH', `/api/v1/machines/${macOfFleet(3)}`, { denied: true })
    await api.ask('POST', '/api/v1/deployments', { machine: macOfFleet(4), image: 'tool' })
    const { status, body } = await api.ask('POST', path, {
      action: 'deploy',
      image: 'tool',
      ids,
      shares: [10, 50],
      dryRun: true,
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      version: 2,
      machines: 40,
      waves: [
        { share: 10, machines: 4 },
        { share: 50, machines: 16 },
        { share: 100, machines: 20 },
      ],
      checked: 40,
    })
    expect(
      body.skipped.map(({ machine, why }: { machine: string; why: string }) => `${machine}: ${why}`).sort(),
    ).toEqual(['n3: machine n3 is denied', 'n4: the machine has an active deployment'])
    expect((await api.ask('GET', path)).body.items).toEqual([])
  })

  test('refuse what is invalid, and name the field and what was expected', async () => {
    const usual = { action: 'deploy', image: 'tool', ids }
    const fault = async (body: object) => {
      const answer = await api.ask('POST', path, body)
      return [answer.status, answer.body.errors?.[0]?.field ?? answer.body.detail]
    }
    expect(await fault({ ...usual, shares: [25, 5] })).toEqual([422, 'shares'])
    expect(await fault({ ...usual, between: { from: '22:00', to: '04:00', zone: 'Mars/Base' } })).toEqual([
      422,
      'between.zone',
    ])
    expect(await fault({ ...usual, between: { from: '22:00', to: '22:00', zone: 'UTC' } })).toEqual([422, 'between.to'])
    expect(await fault({ ...usual, until: 0 })).toEqual([422, 'until'])
    expect(await fault({ ...usual, maxFailed: { percent: 101 } })).toEqual([422, 'maxFailed.percent'])
    expect(await fault({ ...usual, image: 'none' })).toEqual([422, 'image'])
    expect(await fault({ ...usual, version: 9 })).toEqual([422, 'version'])
    expect(await fault({ ...usual, ids: undefined })).toEqual([422, 'selector'])
    expect(await fault({ ...usual, ids: undefined, selector: [{ label: 'rack', equals: 'none' }] })).toEqual([
      422,
      'machines',
    ])
    expect(await fault({ ...usual, patienceSeconds: 1 })).toEqual([422, 'patienceSeconds'])
    expect((await fault({ ...usual, expect: 39 }))[0]).toBe(409)
    expect((await api.ask('GET', `${path}/${ids[0]}`)).status).toBe(404)
    expect((await act(ids[0] ?? '', 'pause')).status).toBe(404)
  })

  test('refuse machines of another rollout that has not ended, also when both begin at once', async () => {
    const both = await Promise.all([0, 1].map(() => api.ask('POST', path, { action: 'deploy', image: 'tool', ids })))
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409])
    const [id] = both.flatMap(({ body }) => body.rollout?.id ?? [])
    const refused = both.find(({ status }) => status === 409)
    expect(refused?.body.detail).toContain(`40 of the machines are in the rollout ${id}`)
    await act(id, 'cancel')
    await start()
  })

  test('show their progress, their machines and what they wait for', async () => {
    const id = await start({ shares: [25], until: 100, params: { disk: '/dev/sda' } })
    await run(id)
    expect(await get(id)).toMatchObject({
      id,
      action: 'deploy',
      image: 'tool',
      version: 2,
      params: { disk: '/dev/sda' },
      state: 'running',
      wave: 1,
      waves: [
        { share: 25, until: 100, machines: 10, states: { armed: 10 } },
        { share: 100, machines: 30, states: { waiting: 30 } },
      ],
      waitsFor: { what: 'machines', text: expect.stringContaining('10 machines have not booted yet') },
      machines: 40,
      states: { armed: 10, waiting: 30 },
    })
    await bootArmed(database(), id, (place) => (place < 6 ? 'good' : 'hangs'))
    await run(id)
    const list = async (query: string) => (await api.ask('GET', `${path}/${id}/machines?${query}`)).body
    const page = await list('wave=1&limit=4')
    expect(page.items.map(({ place, state }: { place: number; state: string }) => [place, state])).toEqual([
      [0, 'succeeded'],
      [1, 'succeeded'],
      [2, 'succeeded'],
      [3, 'succeeded'],
    ])
    expect((await list(`wave=1&after=${page.next}`)).items).toHaveLength(6)
    expect((await list('state=running')).items).toHaveLength(4)
    expect((await api.ask('GET', `${path}?state=open`)).body.items).toHaveLength(1)
    expect((await api.ask('GET', `${path}?state=finished`)).body.items).toHaveLength(0)
  })

  test('pause and resume; what has not begun is taken back', async () => {
    const id = await start({ shares: [50] })
    await run(id)
    await bootArmed(database(), id, (place) => (place < 5 ? 'hangs' : 'absent'))
    expect((await act(id, 'pause')).body).toMatchObject({
      machines: 15,
      rollout: { state: 'paused', states: { running: 5, waiting: 35 } },
    })
    await run(id)
    expect((await get(id)).states).toEqual({ running: 5, waiting: 35 })
    expect((await act(id, 'pause')).status).toBe(409)
    expect((await act(id, 'resume')).body.rollout.state).toBe('running')
    await run(id)
    expect((await get(id)).states).toEqual({ running: 5, armed: 15, waiting: 20 })
  })

  test('wait for a person, and of two who approve one wave the second gets a conflict', async () => {
    const id = await start({ shares: [50], approve: true })
    await run(id)
    await bootArmed(database(), id, () => 'good')
    await run(id)
    expect(await get(id)).toMatchObject({
      wave: 1,
      waitsFor: { what: 'person', text: expect.stringContaining('20 of 20') },
    })
    const both = await Promise.all([1, 2].map(() => act(id, 'approve', { wave: 1 })))
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    await run(id)
    expect(await get(id)).toMatchObject({ wave: 2, states: { succeeded: 20, armed: 20 } })
    // The last wave ends with machines that never came: they stay armed.
    expect((await act(id, 'approve', { wave: 2 })).body.rollout).toMatchObject({
      state: 'finished',
      states: { armed: 20 },
    })
    expect((await act(id, 'resume')).status).toBe(409)
  })

  test('stop with a finding, and the failed machines try again', async () => {
    const id = await start({ shares: [50], maxFailed: { count: 1 } })
    await run(id)
    await bootArmed(database(), id, (place) => (place < 2 ? 'fails' : 'good'))
    await run(id)
    expect(await get(id)).toMatchObject({ state: 'stopped', reason: '2 of 20 machines failed: more than 1 machine' })
    const findings = async () =>
      (await api.ask('GET', '/api/v1/findings')).body.items.filter(
        ({ code }: { code: string }) => code === 'BW-ROLLOUT-STOPPED',
      )
    expect(await findings()).toMatchObject([{ what: expect.stringContaining(id) }])
    expect((await act(id, 'retry', { dryRun: true })).body).toMatchObject({
      machines: 2,
      rollout: { state: 'stopped' },
    })
    expect((await get(id)).state).toBe('stopped')
    expect((await act(id, 'retry')).body).toMatchObject({ machines: 2, rollout: { state: 'running' } })
    expect(await findings()).toEqual([])
    await run(id)
    await bootArmed(database(), id, () => 'good')
    await run(id)
    expect((await get(id)).wave).toBe(2)
    const attempts = rowsOf<{ attempt: number; n: number }>(
      await database().execute(sql`select attempt, count(*)::int as n from rollout_machines group by 1 order by 1`),
    )
    expect(attempts).toEqual([
      { attempt: 1, n: 38 },
      { attempt: 2, n: 2 },
    ])
  })

  test('continue after a person accepts the failures', async () => {
    const id = await start({ shares: [50], until: 90, maxFailed: { count: 1 } })
    await run(id)
    await bootArmed(database(), id, (place) => (place < 2 ? 'fails' : 'good'))
    await run(id)
    await act(id, 'resume')
    await run(id)
    expect(await get(id)).toMatchObject({ state: 'running', wave: 2 })
  })

  test('are cancelled: deployments that have not begun are cancelled, and the others continue', async () => {
    const id = await start({ shares: [50] })
    await run(id)
    await bootArmed(database(), id, (place) => (place < 3 ? 'hangs' : 'absent'))
    expect((await act(id, 'cancel', { dryRun: true })).body.machines).toBe(17)
    expect((await get(id)).state).toBe('running')
    expect((await act(id, 'cancel')).body).toMatchObject({ machines: 17, rollout: { state: 'cancelled' } })
    const deployments = (await api.ask('GET', `/api/v1/deployments?batch=${id}&state=active`)).body.items
    expect(deployments).toHaveLength(3)
    expect((await get(id)).endedAt).toBeTruthy()
  })

  test('that install are rolled back: with an explicit word, the former image is armed', async () => {
    const first = ids.slice(0, 4)
    const before = await start({ ids: first, version: 1, shares: [100] })
    await run(before)
    await bootArmed(database(), before, () => 'good')
    await run(before)
    expect((await get(before)).state).toBe('finished')
    const id = await start({ ids: ids.slice(0, 6), shares: [100] })
    await run(id)
    await bootArmed(database(), id, () => 'good')
    await run(id)
    expect((await act(id, 'rollback', { dryRun: true })).body).toMatchObject({ machines: 0, kept: 6 })
    expect((await act(id, 'rollback', { reinstall: true, dryRun: true })).body).toMatchObject({ machines: 4, kept: 2 })
    expect((await act(id, 'rollback', { reinstall: true })).body).toMatchObject({
      machines: 4,
      kept: 2,
      rollout: { state: 'rolled-back', states: { succeeded: 2, 'rolled-back': 4 } },
    })
    const armed = (await api.ask('GET', '/api/v1/deployments?state=armed')).body.items
    expect(
      armed.map(({ machineId, version }: { machineId: string; version: number }) => [machineId, version]).sort(),
    ).toEqual(first.map((machine) => [machine, 1]).sort())
  })

  test('that assign are rolled back to the former assignments, where nobody changed them since', async () => {
    const machine = async (n: number) => (await api.ask('GET', `/api/v1/machines/${macOfFleet(n)}`)).body
    await api.ask('PATCH', `/api/v1/machines/${macOfFleet(0)}`, { assignment: { local: true, params: { a: 1 } } })
    const id = await start({ action: 'assign', ids: ids.slice(0, 3), shares: [100], params: { b: 2 } })
    await run(id)
    expect((await machine(0)).assignment).toMatchObject({ image: 'tool', params: { a: 1, b: 2 } })
    await bootMachine(database(), macOfFleet(0), 'ready', 'booted')
    await api.ask('PATCH', `/api/v1/machines/${macOfFleet(1)}`, { assignment: { args: ['mine'] } })
    expect((await act(id, 'rollback')).body).toMatchObject({ machines: 2, kept: 1, rollout: { state: 'rolled-back' } })
    expect((await machine(0)).assignment).toEqual({ local: true, params: { a: 1 } })
    expect((await machine(1)).assignment).toMatchObject({ image: 'tool', args: ['mine'] })
    expect((await machine(2)).assignment).toBeUndefined()
    expect((await act(id, 'rollback')).status).toBe(409)
  })

  test('keep their image and its version from being deleted until they end', async () => {
    const id = await start()
    const refused = await api.ask('DELETE', '/api/v1/images/tool')
    expect(refused.status).toBe(409)
    expect(refused.body.detail).toContain(`rollout ${id}`)
    await act(id, 'cancel')
    const pinned = await start({ version: 1 })
    const version = await api.ask('DELETE', '/api/v1/images/tool/versions/1')
    expect([version.status, version.body.detail]).toEqual([409, expect.stringContaining(`rollout ${pinned}`)])
    await act(pinned, 'cancel')
    expect((await api.ask('DELETE', '/api/v1/images/tool/versions/1')).status).toBe(204)
    expect((await api.ask('DELETE', '/api/v1/images/tool')).status).toBe(204)
  })

  test('do not end by an approval while machines of the last wave wait', async () => {
    const id = await start({ shares: [100] })
    const refused = await act(id, 'approve', { wave: 1 })
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('40 machines of rollout')])
    await run(id)
    expect((await act(id, 'approve', { wave: 1 })).body.rollout).toMatchObject({
      state: 'finished',
      states: { armed: 40 },
    })
  })

  test('keep their answer file from being deleted until they end', async () => {
    const file = { documents: [{ name: 'preseed.cfg', text: 'd-i' }] }
    expect((await api.ask('PUT', '/api/v1/answer-files/mine', file)).status).toBe(201)
    const id = await start({ answerFile: 'mine', shares: [50] })
    const remove = () => api.ask('DELETE', '/api/v1/answer-files/mine')
    const refused = await remove()
    expect([refused.status, refused.body.detail]).toEqual([409, `answer file mine is used by rollout ${id}`])
    await act(id, 'cancel')
    expect((await remove()).status).toBe(204)
  })

  test('are for a token for some machines those of its machines only', async () => {
    const db = database()
    await db.execute(sql`update machines set labels = '{"rack":"b4"}' where id in ${idsOf(ids.slice(0, 5))}`)
    const { token } = await createToken(db, 'b4', 'tester', { role: 'operator', scope: { rack: 'b4' } })
    const strict = createAsk({ ...api.deps, trusted: false })
    const ask = (method: string, of: string, body?: object) =>
      strict(method, `${path}${of}`, body, { authorization: `Bearer ${token}` })
    const all = { action: 'deploy', image: 'tool' }
    const others = await start({ ids: ids.slice(4, 8) })
    for (const of of ['', '/machines', '/events'])
      expect([of, (await ask('GET', `/${others}${of}`)).status]).toEqual([of, 404])
    for (const what of ['pause', 'resume', 'cancel', 'retry', 'rollback'])
      expect([what, (await ask('POST', `/${others}/${what}`, {})).status]).toEqual([what, 404])
    expect((await ask('POST', `/${others}/approve`, { wave: 1 })).status).toBe(404)
    expect((await get(others)).state).toBe('running')
    expect((await ask('GET', '')).body.items).toEqual([])
    await act(others, 'cancel')
    // Conditions and ids reach the machines of the token only.
    const selector = [{ fact: 'hostname', glob: 'n*' }]
    expect((await ask('POST', '', { ...all, selector, dryRun: true })).body).toMatchObject({ machines: 5 })
    expect((await ask('POST', '', { ...all, ids: ids.slice(5, 9) })).body.detail).toContain('at least one machine')
    const own = await ask('POST', '', { ...all, ids: ids.slice(0, 8) })
    expect(own.body).toMatchObject({ machines: 5, rollout: { createdBy: 'token b4' } })
    const { id } = own.body.rollout
    expect((await ask('GET', '')).body.items.map((rollout: { id: string }) => rollout.id)).toEqual([id])
    expect((await ask('GET', `/${id}/machines`)).body.items).toHaveLength(5)
    expect((await ask('POST', `/${id}/pause`, {})).body).toMatchObject({ rollout: { state: 'paused' } })
    // A machine that left the rack takes its rollout out of the reach of the token.
    await db.execute(sql`update machines set labels = '{}' where id = ${ids[0]}::uuid`)
    expect((await ask('POST', `/${id}/resume`, {})).status).toBe(404)
  })

  test('are followed as events', async () => {
    const id = await start({ shares: [50] })
    const response = await api.app.request(`${path}/${id}/events`)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    const read = async () => JSON.parse(/data: (.*)/.exec((await reader?.read())?.value ?? '')?.[1] ?? '{}')
    expect(await read()).toMatchObject({ id, states: { waiting: 40 } })
    const next = read()
    await run(id)
    expect(await next).toMatchObject({ states: { armed: 20, waiting: 20 } })
    await reader?.cancel()
  })
})

function idsOf(ids: string[]) {
  return sql`(select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`
}
