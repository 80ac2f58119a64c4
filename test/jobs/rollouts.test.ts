import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Db } from '../../src/db/open.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { createRollout, type NewOrder } from '../../src/inventory/boots/rollouts/create.ts'
import { countMachines, findRollout } from '../../src/inventory/boots/rollouts/rollouts.ts'
import { listChanges } from '../../src/inventory/changes/changes.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { findMachines } from '../../src/inventory/machines/machines.ts'
import { type RolloutJobDeps, startRollouts, takeStep } from '../../src/jobs/rollouts.ts'
import type { RolloutPlan } from '../../src/model/rollout/rollout.ts'
import { type Api, openApi } from '../helpers/api.ts'
import { eachDatabase } from '../helpers/database.ts'
import { bootArmed, bootMachine, type Conduct, enterFleet } from '../helpers/fleet.ts'

vi.setConfig({ testTimeout: 600_000 })

const order: NewOrder = {
  action: 'deploy',
  image: 'tool',
  assignment: {},
  force: false,
  maxAttempts: 3,
  windowSeconds: 86_400,
}
const plan: RolloutPlan = {
  waves: [{ share: 5, until: 90 }, { share: 25, until: 90 }, { share: 100 }],
  bound: { percent: 6 },
  patienceSeconds: 3600,
  window: null,
  selector: null,
}

eachDatabase('rollouts', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    for (let version = 1; version <= 2; version++)
      await saveImage(
        database(),
        'tool',
        { variants: [{ kind: 'local', arch: 'x86_64', args: [`v${version}`] }] as never },
        {},
        'tester',
      )
  })
  const deps = (): RolloutJobDeps => ({ ...api.deps, db: database() })
  const advance = async (id: string) => {
    for (let steps = 0; await takeStep(deps(), id); steps++)
      if (steps > 200) throw new Error('the rollout does not rest')
  }
  const start = async (machines: string[], change: Partial<NewOrder> = {}, how: Partial<RolloutPlan> = {}) => {
    const { id } = await createRollout(
      database(),
      machines,
      { ...order, ...change },
      { ...plan, ...how },
      undefined,
      'tester',
    )
    return id
  }
  const counts = async (id: string) => {
    const rollout = await findRollout(database(), id)
    if (rollout === undefined) throw new Error('no rollout')
    return (await countMachines(database(), rollout)).map((wave) =>
      Object.fromEntries(Object.entries(wave).filter(([, count]) => count > 0)),
    )
  }
  const stateOf = async (id: string) => {
    const { state, wave, reason } = (await findRollout(database(), id)) ?? {}
    return { state, wave, ...(reason !== null && { reason }) }
  }

  test('take a thousand machines in waves, of which some fail, hang, are denied or never come', async () => {
    const db = database()
    const machines = await enterFleet(db, 1000)
    const id = await start(machines)
    const places = await placesOf(db, id)
    const denied = places.filter((_, place) => place % 50 === 13)
    await db.execute(
      sql`update machines set denied = true where id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(denied)}::jsonb))`,
    )
    const conduct = (place: number): Conduct =>
      place % 25 === 3 ? 'fails' : place % 100 === 7 ? 'hangs' : place % 100 === 11 ? 'absent' : 'good'

    await advance(id)
    expect(await counts(id)).toEqual([{ armed: 49, skipped: 1 }, { waiting: 200 }, { waiting: 750 }])
    expect(await bootArmed(db, id, conduct)).toBe(48)
    await advance(id)
    // 45 of 49 machines are 91 %: the second wave began. The machine that never came waits.
    expect(await counts(id)).toEqual([
      { armed: 1, running: 1, succeeded: 45, failed: 2, skipped: 1 },
      { armed: 196, skipped: 4 },
      { waiting: 750 },
    ])
    await bootArmed(db, id, conduct)
    await advance(id)
    expect(await stateOf(id)).toEqual({ state: 'running', wave: 2 })
    await bootArmed(db, id, conduct)
    await advance(id)
    expect(await counts(id)).toEqual([
      { armed: 1, running: 1, succeeded: 45, failed: 2, skipped: 1 },
      { armed: 2, running: 2, succeeded: 184, failed: 8, skipped: 4 },
      { armed: 7, running: 7, succeeded: 691, failed: 30, skipped: 15 },
    ])
    // What hangs counts as failed after the patience. What never came does not.
    await db.execute(sql`update deployments set started_at = now() - interval '2 hours' where state = 'started'`)
    await advance(id)
    expect((await counts(id)).map((wave) => [wave.armed, wave.running, wave.failed])).toEqual([
      [1, undefined, 3],
      [2, undefined, 10],
      [7, undefined, 37],
    ])
    expect(await stateOf(id)).toEqual({ state: 'running', wave: 2 })
    await bootArmed(db, id, () => 'good')
    await advance(id)
    expect(await stateOf(id)).toEqual({ state: 'finished', wave: 2 })
    const types = (await listChanges(db, { subject: id }, 100)).map(({ type }) => type).reverse()
    expect(types).toEqual(['rollout.created', 'rollout.wave-begun', 'rollout.wave-begun', 'rollout.finished'])
    await expectOneDeploymentEach(db, id)
  })

  test('stop when failures pass the bound, and take back what has not begun', async () => {
    const db = database()
    const id = await start(
      await enterFleet(db, 100),
      {},
      { waves: [{ share: 20, until: 95 }, { share: 100 }], bound: { count: 2 } },
    )
    await advance(id)
    await bootArmed(db, id, (place) => (place < 3 ? 'fails' : place < 5 ? 'hangs' : 'absent'))
    await advance(id)
    expect(await stateOf(id)).toEqual({
      state: 'stopped',
      wave: 0,
      reason: '3 of 20 machines failed: more than 2 machines',
    })
    expect(await counts(id)).toEqual([{ waiting: 15, running: 2, failed: 3 }, { waiting: 80 }])
    const active = rowsOf<{ n: number }>(
      await db.execute(
        sql`select count(*)::int as n from deployments where state in ('armed', 'started', 'installing')`,
      ),
    )
    expect(active[0]?.n).toBe(2)
    const [stopped] = await listChanges(db, { type: 'rollout.stopped' }, 1)
    expect(stopped).toMatchObject({ actor: 'bootwright', subject: id, after: { machines: { failed: 3, waiting: 95 } } })
  })

  test('install only inside their window, and wait outside it', async () => {
    const db = database()
    const window = windowAround(1)
    const id = await start(await enterFleet(db, 40), {}, { waves: [{ share: 50, until: 90 }, { share: 100 }], window })
    await advance(id)
    expect(await counts(id)).toEqual([{ armed: 20 }, { waiting: 20 }])
    await bootArmed(db, id, (place) => (place < 5 ? 'hangs' : 'absent'))
    // The window closes: the five that began continue, the others wait for the next night.
    await db.execute(sql`update rollouts set "window" = ${JSON.stringify(windowAround(5))}::jsonb`)
    await advance(id)
    expect(await counts(id)).toEqual([{ running: 5, waiting: 15 }, { waiting: 20 }])
    expect(rowsOf(await db.execute(sql`select 1 from deployments where state = 'armed'`))).toHaveLength(0)
    await db.execute(sql`update rollouts set "window" = ${JSON.stringify(window)}::jsonb`)
    await advance(id)
    expect(await counts(id)).toEqual([{ running: 5, armed: 15 }, { waiting: 20 }])
  })

  test('skip machines that would be refused, as arming does, and stop if the image is gone', async () => {
    const db = database()
    const machines = await enterFleet(db, 4)
    await db.execute(sql`update machines set facts = '{"buildarch":"arm64"}' where id = ${machines[0]}::uuid`)
    const id = await start(machines, {}, { waves: [{ share: 100 }] })
    await advance(id)
    expect(await counts(id)).toEqual([{ armed: 3, skipped: 1 }])
    const [skipped] = rowsOf<{ reason: string }>(
      await db.execute(sql`select reason from rollout_machines where state = 'skipped'`),
    )
    expect(skipped?.reason).toContain('arm64')
    const other = await start(await enterMore(db, 3), {}, { waves: [{ share: 100 }] })
    await db.execute(sql`delete from image_versions where image = 'tool' and version = 2`)
    await advance(other)
    expect(await stateOf(other)).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('a version of image tool'),
    })
  })

  describe('that assign', () => {
    const assign = { action: 'assign' as const }
    test('give machines the version from now on, and count their next boots', async () => {
      const db = database()
      const machines = await enterFleet(db, 20)
      await db.execute(sql`update machines set assignment = '{"image":"tool","version":1,"params":{"a":1}}'`)
      const id = await start(
        machines,
        { ...assign, version: 2 },
        { waves: [{ share: 50, until: 100 }, { share: 100 }] },
      )
      await advance(id)
      const given = async () => {
        const all = await findMachines(db, machines)
        return all.filter(({ assignment }) => assignment?.version === 2 && assignment?.image === 'tool').length
      }
      expect(await given()).toBe(10)
      expect(await counts(id)).toEqual([{ armed: 10 }, { waiting: 10 }])
      await bootArmed(db, id, (place) => (place === 4 ? 'hangs' : place === 5 ? 'absent' : 'good'), 'booted')
      await advance(id)
      expect(await counts(id)).toEqual([{ armed: 1, running: 1, succeeded: 8 }, { waiting: 10 }])
      await bootArmed(db, id, () => 'good', 'booted')
      const [hanging] = rowsOf<{ mac: string }>(
        await db.execute(
          sql`select mac from rollout_machines join machine_macs using (machine_id) where state = 'running'`,
        ),
      )
      // The machine is restarted, and comes up.
      await bootMachine(db, hanging?.mac ?? '', 'ready', 'booted')
      await advance(id)
      expect(await given()).toBe(20)
      expect(await stateOf(id)).toEqual({ state: 'running', wave: 1 })
      await bootArmed(db, id, () => 'good', 'booted')
      await advance(id)
      expect(await stateOf(id)).toEqual({ state: 'finished', wave: 1 })
      const [one] = await findMachines(db, machines.slice(0, 1))
      expect(one?.assignment).toEqual({ image: 'tool', version: 2, params: { a: 1 } })
    })

    test('give back the former assignments when their window closes, except where a person changed them', async () => {
      const db = database()
      const machines = await enterFleet(db, 6)
      await db.execute(
        sql`update machines set assignment = '{"local":true,"args":["x"]}' where id = ${machines[0]}::uuid`,
      )
      const id = await start(machines, assign, { waves: [{ share: 100 }], window: windowAround(1) })
      await advance(id)
      await db.execute(sql`update machines set assignment = '{"menu":"own"}' where id = ${machines[1]}::uuid`)
      await db.execute(sql`update rollouts set "window" = ${JSON.stringify(windowAround(5))}::jsonb`)
      await advance(id)
      expect(await counts(id)).toEqual([{ waiting: 5, skipped: 1 }])
      const byId = new Map((await findMachines(db, machines)).map((machine) => [machine.id, machine.assignment]))
      expect(machines.map((machine) => byId.get(machine))).toEqual([
        { local: true, args: ['x'] },
        { menu: 'own' },
        ...[undefined, undefined, undefined, undefined],
      ])
    })
  })

  test('are advanced by the loop of a server', async () => {
    const db = database()
    const id = await start(await enterFleet(db, 3), {}, { waves: [{ share: 100 }] })
    const loop = startRollouts(deps(), { everyMs: 20 })
    await expect.poll(() => counts(id), { timeout: 20_000 }).toEqual([{ armed: 3 }])
    await bootArmed(db, id, () => 'good')
    await expect.poll(async () => (await stateOf(id)).state, { timeout: 20_000 }).toBe('finished')
    await loop.stop()
    const behind = startRollouts({ ...deps(), isBehind: () => true }, { everyMs: 10 })
    const next = await start(await enterMore(db, 3), {}, { waves: [{ share: 100 }] })
    await new Promise((resolve) => setTimeout(resolve, 200))
    await behind.stop()
    expect(await counts(next)).toEqual([{ waiting: 3 }])
  })
})

/** Machines besides those of `enterFleet`. */
async function enterMore(db: Db, count: number): Promise<string[]> {
  await db.execute(sql`update machine_macs set mac = 'aa' || substr(mac, 3)`)
  return enterFleet(db, count)
}

async function placesOf(db: Db, id: string): Promise<string[]> {
  const found = await db.execute(
    sql`select machine_id::text as id from rollout_machines where rollout_id = ${id}::uuid order by place`,
  )
  return rowsOf<{ id: string }>(found).map((row) => row.id)
}

/** A window of two hours in UTC that began some hours ago. */
function windowAround(hoursAgo: number) {
  const hour = (offset: number) => `${String((new Date().getUTCHours() + offset + 24) % 24).padStart(2, '0')}:00`
  return { from: hour(-hoursAgo), to: hour(3 - hoursAgo), zone: 'UTC' }
}

/** Each machine that was armed has one deployment of the rollout for each attempt. */
async function expectOneDeploymentEach(db: Db, id: string): Promise<void> {
  const found = await db.execute(sql`
    select m.machine_id from rollout_machines m where rollout_id = ${id}::uuid
      and attempt <> (select count(*) from deployments d where d.batch = m.rollout_id and d.machine_id = m.machine_id)`)
  expect(rowsOf(found)).toEqual([])
}
