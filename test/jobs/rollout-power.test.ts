import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { rowsOf } from '../../src/db/rows.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { takeStep } from '../../src/jobs/rollouts.ts'
import { maxOpenPower } from '../../src/model/rollout/rollout.ts'
import { type Api, openApi } from '../helpers/api.ts'
import { eachDatabase } from '../helpers/database.ts'
import { bootArmed, enterFleet, fetchScript, macOfFleet } from '../helpers/fleet.ts'

vi.setConfig({ testTimeout: 120_000 })

const machines = 50
const path = '/api/v1/rollouts'

eachDatabase('rollouts that power their machines', (database) => {
  let api: Api
  let ids: string[]
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    await saveImage(database(), 'tool', { variants: [{ kind: 'local', arch: 'x86_64' }] as never }, {}, 'tester')
    ids = await enterFleet(database(), machines)
    for (let n = 0; n < machines - 1; n++)
      await api.ask('PUT', `/api/v1/machines/${macOfFleet(n)}/power`, { kind: 'wake-on-lan' })
  })
  const start = async (body: object = {}) => {
    const order = { action: 'deploy', image: 'tool', ids, shares: [100], power: 'on' }
    const answer = await api.ask('POST', path, { ...order, ...body })
    expect(answer.status, JSON.stringify(answer.body)).toBe(201)
    return answer.body.rollout.id as string
  }
  const run = async (id: string) => {
    while (await takeStep({ ...api.deps, db: database() }, id));
  }
  const requests = async (state: string) => {
    const found = await database().execute(
      sql`select machine_id::text as machine, deployment_id::text as deployment, batch::text as batch, action, message
        from power_requests where state = ${state}`,
    )
    return rowsOf<Record<'machine' | 'deployment' | 'batch' | 'action' | 'message', string>>(found)
  }
  /** The runner of power ends all waiting requests. */
  const endAll = () =>
    database().execute(sql`update power_requests set state = 'done', ended_at = now() where ended_at is null`)
  const statesOf = async (id: string) => (await api.ask('GET', `${path}/${id}`)).body.states

  test('arm a few machines at a time, in their order, and request the power of each once', async () => {
    const id = await start()
    await run(id)
    // The machine without a power setting is skipped, wherever its place is.
    const first = await requests('waiting')
    expect(first.length).toBeGreaterThanOrEqual(maxOpenPower - 1)
    expect(first.length).toBeLessThanOrEqual(maxOpenPower)
    expect(new Set(first.map(({ batch, action }) => `${batch} ${action}`))).toEqual(new Set([`${id} on`]))
    await run(id)
    expect(await requests('waiting')).toHaveLength(first.length)
    for (let round = 0; round < 3; round++) {
      await endAll()
      await run(id)
    }
    await endAll()
    expect(await statesOf(id)).toEqual({ armed: machines - 1, skipped: 1 })
    const done = await requests('done')
    expect(done).toHaveLength(machines - 1)
    expect(new Set(done.map(({ deployment }) => deployment)).size).toBe(machines - 1)
    const skipped = (await api.ask('GET', `${path}/${id}/machines?state=skipped`)).body.items
    expect(skipped).toMatchObject([{ reason: expect.stringContaining('the machine has no power setting') }])
    await bootArmed(database(), id, () => 'good')
    await run(id)
    expect((await api.ask('GET', `${path}/${id}`)).body).toMatchObject({ state: 'finished', power: 'on' })
  })

  test('cancel the waiting requests when they pause, and request the power again when they resume', async () => {
    const id = await start()
    await run(id)
    const count = (await requests('waiting')).length
    const [running] = await requests('waiting')
    await database().execute(
      sql`update power_requests set state = 'running' where machine_id = ${running?.machine}::uuid`,
    )
    await api.ask('POST', `${path}/${id}/pause`, {})
    expect(await requests('waiting')).toEqual([])
    const cancelled = await requests('cancelled')
    expect(cancelled).toHaveLength(count - 1)
    expect(cancelled[0]?.message).toBe('the rollout was paused')
    await run(id)
    expect(await requests('waiting')).toEqual([])
    await api.ask('POST', `${path}/${id}/resume`, {})
    await run(id)
    // The machine whose power is in use waits for its turn; it is not skipped.
    const again = await requests('waiting')
    expect(again.map(({ machine }) => machine)).not.toContain(running?.machine)
    expect((await statesOf(id)).skipped ?? 0).toBeLessThanOrEqual(1)
    await endAll()
    await run(id)
    expect((await requests('waiting')).map(({ machine }) => machine)).toContain(running?.machine)
  })

  test('power nothing outside their wave and their window, and nothing without the word', async () => {
    const hour = (offset: number) => `${String((new Date().getUTCHours() + offset) % 24).padStart(2, '0')}:00`
    const closed = await start({ between: { from: hour(3), to: hour(5), zone: 'UTC' } })
    await run(closed)
    expect(await requests('waiting')).toEqual([])
    await api.ask('POST', `${path}/${closed}/cancel`, {})
    const silent = await start({ power: undefined })
    await run(silent)
    expect(await statesOf(silent)).toEqual({ armed: machines })
    await api.ask('POST', `${path}/${silent}/cancel`, {})
    expect(await requests('waiting')).toEqual([])
    const small = await start({ shares: [10], ids: ids.slice(0, 40) })
    await run(small)
    const inWave = (await api.ask('GET', `${path}/${small}/machines?wave=1`)).body.items
    expect((await requests('waiting')).map(({ machine }) => machine).sort()).toEqual(
      inWave.map(({ machineId }: { machineId: string }) => machineId).sort(),
    )
    expect(inWave).toHaveLength(4)
  })

  test('are refused for assign, and previewed with the machines that cannot be powered', async () => {
    const order = { image: 'tool', ids, power: 'cycle' }
    const refused = await api.ask('POST', path, { ...order, action: 'assign' })
    expect([refused.status, refused.body.detail]).toEqual([
      422,
      expect.stringContaining('no power together with assign'),
    ])
    const preview = await api.ask('POST', path, { ...order, action: 'deploy', dryRun: true, force: true })
    expect(preview.body.skipped).toHaveLength(machines)
    expect(preview.body.skipped[0].why).toBe('wake-on-lan can only do: on')
  })

  test('a batch is retried with power', async () => {
    const body = { ids: ids.slice(0, 2), image: 'tool', force: true }
    const { batch } = (await api.ask('POST', '/api/v1/deployments/bulk', body)).body
    await database().execute(sql`update deployments set state = 'failed', ended_at = now()`)
    const retry = (given: object) => api.ask('POST', `/api/v1/deployments/batches/${batch}/retry`, given)
    expect((await retry({ power: 'cycle', dryRun: true })).body).toMatchObject({
      armed: [],
      skipped: [{ why: 'wake-on-lan can only do: on' }, { why: 'wake-on-lan can only do: on' }],
    })
    expect((await retry({ power: 'on' })).body.armed).toHaveLength(2)
    const made = await requests('waiting')
    expect(made).toMatchObject([
      { action: 'on', batch },
      { action: 'on', batch },
    ])
    expect((await fetchScript(database(), macOfFleet(0))).deployment).toBe(
      made.find(({ machine }) => machine === ids[0])?.deployment,
    )
  })
})
