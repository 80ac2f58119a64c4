import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import type { OpenDb } from '../../src/db/open.ts'
import { openPostgres } from '../../src/db/postgres/open-postgres.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { createFresh } from '../helpers/database.ts'
import { bootArmed, enterFleet } from '../helpers/fleet.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'

vi.setConfig({ testTimeout: 240_000 })

const postgresUrl = inject('postgresUrl')
const count = 600

describe.runIf(postgresUrl !== undefined)('a rollout on servers that are killed', () => {
  let folder: string
  let url: string
  let database: OpenDb
  const running: ServerProcess[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bootwright-rollouts-'))
    url = await createFresh(postgresUrl as string)
    database = await openPostgres(url)
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.kill()))
    await database.close()
    await rm(folder, { recursive: true, force: true })
  })
  const start = async (name: string) => {
    const server = await startServerProcess(join(folder, name), { DATABASE_URL: url })
    running.push(server)
    return server
  }
  const begin = async ({ ask }: ServerProcess, body: object) => {
    const image = { variants: [{ arch: 'x86_64', kind: 'local' }] }
    expect((await ask('PUT', '/images/tool', image)).status).toBe(201)
    const ids = await enterFleet(database.db, count)
    const answer = await ask('POST', '/rollouts', { image: 'tool', ids, ...body })
    expect(answer.status, JSON.stringify(answer.body)).toBe(201)
    return answer.body.rollout.id as string
  }
  const query = async <Row>(text: ReturnType<typeof sql>) => rowsOf<Row>(await database.db.execute(text))
  const acted = async () =>
    (await query<{ n: number }>(sql`select count(*)::int as n from rollout_machines where state <> 'waiting'`))[0]?.n ??
    0

  test('arms each machine once, also if it is killed in the middle of a wave', async () => {
    let server = await start('first')
    const id = await begin(server, { action: 'deploy', shares: [50], until: 90 })
    for (let kill = 0, before = 0; kill < 3; kill++) {
      while ((await acted()) <= before && (await acted()) < count / 2) await wait(5)
      await server.kill()
      before = await acted()
      server = await start('first')
    }
    await expect.poll(acted, { timeout: 60_000 }).toBe(count / 2)
    await bootArmed(database.db, id, (place) => (place % 20 === 3 ? 'fails' : 'good'))
    await server.kill()
    await start('first')
    await expect.poll(acted, { timeout: 60_000 }).toBe(count)
    await bootArmed(database.db, id, () => 'good')
    const stateOf = async () => (await query<{ state: string }>(sql`select state from rollouts`))[0]?.state
    await expect.poll(stateOf, { timeout: 60_000 }).toBe('finished')
    const deployments = await query<{ machines: number; n: number }>(
      sql`select count(distinct machine_id)::int as machines, count(*)::int as n from deployments`,
    )
    expect(deployments).toEqual([{ machines: count, n: count }])
    expect(await query(sql`select 1 from rollout_machines where attempt <> 1`)).toEqual([])
  })

  test('is advanced by two servers at once, and by the other if one is killed', async () => {
    const first = await start('first')
    await cp(join(folder, 'first', 'secret.key'), join(folder, 'second', 'secret.key'), { recursive: true })
    const second = await start('second')
    const id = await begin(first, { action: 'assign', shares: [10], until: 100 })
    await expect.poll(acted, { timeout: 60_000 }).toBe(count / 10)
    await first.kill()
    await bootArmed(database.db, id, () => 'good', 'booted')
    await expect.poll(acted, { timeout: 60_000 }).toBe(count)
    expect((await second.ask('GET', `/rollouts/${id}`)).body).toMatchObject({
      wave: 2,
      states: { succeeded: 60, armed: 540 },
    })
    // Each machine was changed once, from one assignment to the other.
    const changes = await query<{ n: number }>(
      sql`select count(*)::int as n from changes where type = 'machine.changed' group by subject having count(*) <> 1`,
    )
    expect(changes).toEqual([])
    expect(
      await query(sql`select 1 from rollout_machines where attempt <> 1 or given is null or former is not null`),
    ).toEqual([])
    expect(await query(sql`select 1 from changes where type = 'rollout.wave-begun'`)).toHaveLength(1)
  })
})
