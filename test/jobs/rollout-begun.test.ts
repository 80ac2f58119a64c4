import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Db } from '../../src/db/open.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { cancelRollout, pauseRollout, resumeRollout, rollBack } from '../../src/inventory/boots/rollouts/control.ts'
import { createRollout } from '../../src/inventory/boots/rollouts/create.ts'
import { pruneRollouts } from '../../src/inventory/boots/rollouts/rollouts.ts'
import { listChanges } from '../../src/inventory/changes/changes.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { settleRollouts, startRollouts, takeStep } from '../../src/jobs/rollouts.ts'
import { type Api, openApi } from '../helpers/api.ts'
import { eachDatabase } from '../helpers/database.ts'
import { bootMachine, enterFleet, fetchScript, macOfFleet } from '../helpers/fleet.ts'

vi.setConfig({ testTimeout: 120_000 })

const mac = macOfFleet(0)

/** Starts a rollout that installs one machine. */
async function startTool(db: Db) {
  await saveImage(db, 'tool', { variants: [{ kind: 'local', arch: 'x86_64' }] as never }, {}, 'tester')
  const order = { image: 'tool', assignment: {}, force: false, maxAttempts: 3, windowSeconds: 86_400 }
  const plan = {
    ...{ waves: [{ share: 100 }], bound: { percent: 5 }, patienceSeconds: 3600 },
    ...{ window: null, selector: null },
  }
  await db.execute(sql`delete from machines`)
  const machines = await enterFleet(db, 1)
  return createRollout(db, machines, { action: 'deploy', ...order }, plan, undefined, 'tester')
}

eachDatabase('a machine of a rollout that is taken back', (database) => {
  let api: Api
  let id: string
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    id = (await startTool(database())).id
    await advance()
  })
  const advance = async () => {
    for (let steps = 0; await takeStep({ ...api.deps, db: database() }, id); steps++)
      if (steps > 20) throw new Error('the rollout does not rest')
  }
  const query = async <Row>(text: ReturnType<typeof sql>) => rowsOf<Row>(await database().execute(text))
  const machineOf = async () =>
    (await query(sql`select state, attempt, reason from rollout_machines where rollout_id = ${id}::uuid`))[0]
  const deployments = async () =>
    (await query<{ state: string }>(sql`select state from deployments order by seq`)).map(({ state }) => state)
  const pause = () => pauseRollout(database(), id, 'tester')
  const resume = () => resumeRollout(database(), id, 'tester')

  test('continues if it has its script: it may load its kernel for minutes before it reports', async () => {
    const boot = await fetchScript(database(), mac)
    await boot.record()
    await advance()
    expect(await machineOf()).toEqual({ state: 'running', attempt: 1, reason: null })
    expect((await pause()).machines).toBe(0)
    expect(await deployments()).toEqual(['armed'])
    await boot.report('ready')
    await boot.report('installed')
    await resume()
    await advance()
    expect(await machineOf()).toEqual({ state: 'succeeded', attempt: 1, reason: null })
    expect(await deployments()).toEqual(['installed'])
  })

  test('waits again if its script was never used', async () => {
    await (await fetchScript(database(), mac)).record()
    await database().execute(sql`update boots set outcome = 'stalled', ended_at = now()`)
    expect((await pause()).machines).toBe(1)
    expect(await machineOf()).toMatchObject({ state: 'waiting' })
    expect(await deployments()).toEqual(['cancelled'])
  })

  describe('before its boot is recorded', () => {
    test('is not installed twice: its reports count, and nothing is armed again', async () => {
      const boot = await fetchScript(database(), mac)
      expect((await pause()).machines).toBe(1)
      await boot.record()
      await boot.report('ready')
      await advance()
      expect(await machineOf()).toMatchObject({ state: 'running', attempt: 1 })
      await resume()
      await advance()
      expect(await deployments()).toEqual(['started'])
      await boot.report('installed')
      await advance()
      expect(await machineOf()).toMatchObject({ state: 'succeeded', attempt: 1 })
      expect(await deployments()).toEqual(['installed'])
    })

    test('is not installed twice if it was armed again meanwhile', async () => {
      const boot = await fetchScript(database(), mac)
      await pause()
      await resume()
      await advance()
      await boot.record()
      await boot.report('installed')
      await advance()
      expect(await deployments()).toEqual(['installed', 'cancelled'])
      expect(await machineOf()).toMatchObject({ state: 'succeeded' })
      expect((await fetchScript(database(), mac)).deployment).toBeUndefined()
    })

    test('counts in a rollout that was cancelled, too', async () => {
      const boot = await fetchScript(database(), mac)
      await cancelRollout(database(), id, false, 'tester')
      await boot.record()
      await boot.report('ready')
      await boot.report('installed')
      await advance()
      expect(await machineOf()).toMatchObject({ state: 'succeeded' })
      expect(await deployments()).toEqual(['installed'])
    })

    test('keeps the deployment of a person, and of its newer boot', async () => {
      const boot = await fetchScript(database(), mac)
      await pause()
      await boot.record()
      await database().execute(sql`
        insert into deployments (id, machine_id, image, state, assignment, max_attempts, window_seconds, armed_by)
        select gen_random_uuid(), machine_id, 'tool', 'armed', '{}', 3, 60, 'a person' from deployments`)
      await boot.report('ready')
      expect(await deployments()).toEqual(['cancelled', 'armed'])
      expect(await machineOf()).toMatchObject({ state: 'waiting' })
    })

    test('stays rolled back', async () => {
      const boot = await fetchScript(database(), mac)
      await rollBack(database(), id, { reinstall: false, dryRun: false }, 'tester')
      await boot.record()
      await boot.report('ready')
      expect(await deployments()).toEqual(['cancelled'])
    })
  })
})

eachDatabase('a rollout that ended', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  test('is followed by the loop until its machines ended, and deleted by housekeeping after its days', async () => {
    const db = database()
    const { id } = await startTool(db)
    const deps = { ...api.deps, db }
    await takeStep(deps, id)
    await bootMachine(db, mac, 'ready')
    await takeStep(deps, id)
    await cancelRollout(db, id, false, 'tester')
    await db.execute(sql`update deployments set state = 'installed', ended_at = now()`)
    const loop = startRollouts(deps, { everyMs: 20 })
    const states = async () => rowsOf(await db.execute(sql`select state from rollout_machines`))
    await expect.poll(states, { timeout: 20_000 }).toEqual([{ state: 'succeeded' }])
    await loop.stop()
    await db.execute(sql`update rollouts set ended_at = now() - interval '99 days'`)
    await pruneRollouts(db, 100)
    expect(await states()).toHaveLength(1)
    await pruneRollouts(db, 98)
    expect(await states()).toEqual([])
    expect(rowsOf(await db.execute(sql`select state from deployments`))).toEqual([{ state: 'installed' }])
    const [last] = await listChanges(db, { subject: id }, 1)
    expect(last).toMatchObject({ type: 'rollout.cancelled', after: { machines: { running: 1 } } })
    await startTool(db)
    await pruneRollouts(db, 0)
    expect(await states()).toEqual([{ state: 'waiting' }])
  })

  test('takes back machines at the start of a server whose window closed meanwhile', async () => {
    const db = database()
    const { id } = await startTool(db)
    await takeStep({ ...api.deps, db }, id)
    const hour = (offset: number) => `${String((new Date().getUTCHours() + offset) % 24).padStart(2, '0')}:00`
    const window = { from: hour(3), to: hour(5), zone: 'UTC' }
    await db.execute(sql`update rollouts set "window" = ${JSON.stringify(window)}::jsonb`)
    let looks = 0
    await settleRollouts({ db, log: api.deps.log, isBehind: () => ++looks < 3 })
    expect(rowsOf(await db.execute(sql`select state from rollout_machines`))).toEqual([{ state: 'waiting' }])
    expect((await fetchScript(db, mac)).deployment).toBeUndefined()
  })
})
