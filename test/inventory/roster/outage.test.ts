import { sql } from 'drizzle-orm'
import driver from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { makePostgres, type PostgresCluster } from '../../../scripts/servers/postgres-cluster.ts'
import type { Db, OpenDb } from '../../../src/db/open.ts'
import { openPostgres } from '../../../src/db/postgres/open-postgres.ts'
import { decide } from '../../../src/decide/decision.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { deleteGroup, saveGroup } from '../../../src/inventory/machines/groups.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { savePolicy } from '../../../src/inventory/machines/policy.ts'
import { pruneRosterChanges } from '../../../src/inventory/roster/questions.ts'
import type { Roster } from '../../../src/inventory/roster/roster.ts'
import type { Variant } from '../../../src/model/image.ts'
import { signalBackends } from '../../helpers/backends.ts'
import { createFresh } from '../../helpers/database.ts'
import { loaded, testRoster } from '../../helpers/roster.ts'

const cluster = await makePostgres({ max_prepared_transactions: '5' })
const mac = '52:54:00:00:00:01'

describe.runIf(cluster !== undefined)('a roster over PostgreSQL', () => {
  const postgres = cluster as PostgresCluster
  let opened: OpenDb
  let db: Db
  let url: string
  beforeAll(async () => {
    await postgres.start()
    url = await createFresh(postgres.url)
    opened = await openPostgres(url)
    db = opened.db
  })
  afterAll(async () => {
    await opened.close()
    await postgres.remove()
  })
  beforeEach(async () => {
    await db.execute(sql`delete from machines`)
    await db.execute(sql`with made as (insert into machines (id, discovered) values (gen_random_uuid(), false) returning id)
      insert into machine_macs (mac, machine_id) select ${mac}, id from made`)
  })
  const isDenied = async ({ findSituation }: Roster) => {
    const { decision } = decide(await findSituation({ mac }))
    return { denied: decision.spec.kind === 'refusal', alone: decision.asOf !== undefined }
  }
  const session = () => {
    const client = driver(url, { max: 1, onnotice: () => {} })
    onTestFinished(() => client.end({ timeout: 1 }))
    return client
  }
  const deny = sql`update machines set denied = true`

  test('takes in a transaction that commits after an hour, and is not slowed by one that stays open', async () => {
    const roster = await loaded(testRoster(db))
    const [late, idle] = [session(), session()]
    await late`begin`
    await late`update machines set denied = true`
    await idle`begin`
    await idle`select pg_current_xact_id()`
    for (let n = 0; n < 3; n++) await pruneRosterChanges(db, { keptSeconds: 0 })
    expect(await isDenied(roster)).toEqual({ denied: false, alone: false })
    await late`commit`
    for (let n = 0; n < 3; n++) {
      expect(await isDenied(roster)).toEqual({ denied: true, alone: false })
      // An open transaction must not make the roster read everything again.
      expect(roster.size()).toMatchObject({ isComplete: true })
      await pruneRosterChanges(db, { keptSeconds: 0 })
    }
    await idle`rollback`
  })

  test('takes in a prepared transaction and a released savepoint when they are committed', async () => {
    const roster = await loaded(testRoster(db))
    const client = session()
    await client`begin`
    await client`savepoint one`
    await client`update machines set denied = true`
    await client`release one`
    await client`prepare transaction 'late'`
    expect(await isDenied(roster)).toEqual({ denied: false, alone: false })
    await client`commit prepared 'late'`
    expect(await isDenied(roster)).toEqual({ denied: true, alone: false })
  })

  test('decides alone while PostgreSQL is frozen, and hears of all changes afterwards', async () => {
    const roster = await loaded(testRoster(db, { waitMs: 300 }))
    await isDenied(roster)
    expect(signalBackends(postgres.pid() as number, 'SIGSTOP')).toBeGreaterThan(0)
    const asked = performance.now()
    expect(await isDenied(roster)).toEqual({ denied: false, alone: true })
    expect(roster.away()?.reason).toBe('no answer within 300 ms')
    // From now on nobody waits for the database.
    for (let n = 0; n < 50; n++) expect(await isDenied(roster)).toEqual({ denied: false, alone: true })
    expect(performance.now() - asked).toBeLessThan(5000)
    signalBackends(postgres.pid() as number, 'SIGCONT')
    await db.execute(deny)
    await expect.poll(() => isDenied(roster), { timeout: 20_000 }).toEqual({ denied: true, alone: false })
    expect(roster.away()).toBeUndefined()
  })

  test('boots pinned versions while PostgreSQL is frozen, also after a restart from the saved roster', async () => {
    const variant = (n: number): Variant => ({ kind: 'sanboot', arch: 'x86_64', target: `iscsi:192.0.2.1::::iqn.${n}` })
    for (const n of [1, 2, 3, 4]) await saveImage(db, 'd', { variants: [variant(n)] }, {}, 'tester')
    const [own, member, unknown] = [mac, '52:54:00:00:00:02', '52:54:00:00:00:03']
    const content = { title: '', priority: 0, selector: [{ label: 'rack', equals: 'b4' }] }
    await saveGroup(db, 'g', { ...content, assignment: { image: 'd', version: 2 } }, {}, 'tester')
    await savePolicy(db, { kind: 'image', image: 'd', version: 3 }, 'tester')
    await saveMachine(db, { mac: member }, { labels: { rack: 'b4' } }, {}, 'tester')
    const roster = await loaded(testRoster(db, { waitMs: 300 }))
    const booted = async ({ findSituation }: Roster) => {
      const asked = [own, member, unknown].map(async (address) => {
        const { decision } = decide(await findSituation({ mac: address, buildarch: 'x86_64' }))
        return [decision.image?.version, decision.asOf !== undefined]
      })
      return Promise.all(asked)
    }
    expect(await booted(roster)).toEqual([
      [3, false],
      [2, false],
      [3, false],
    ])
    // The roster hears of this pin after it has read its catalog.
    await saveMachine(db, { mac: own }, { assignment: { image: 'd', version: 1 } }, {}, 'tester')
    expect(await roster.refresh()).toBe(true)
    signalBackends(postgres.pid() as number, 'SIGSTOP')
    const alone = [
      [1, true],
      [2, true],
      [3, true],
    ]
    await expect.poll(() => booted(roster), { timeout: 10_000 }).toEqual(alone)
    const lines = [...(roster.lines() ?? [])]
    const restarted = testRoster(db, {
      waitMs: 300,
      saved: (async function* () {
        yield* lines
      })(),
    })
    await expect.poll(() => booted(restarted), { timeout: 10_000 }).toEqual(alone)
    signalBackends(postgres.pid() as number, 'SIGCONT')
    await expect.poll(() => roster.refresh(), { timeout: 20_000 }).toBe(true)
    await savePolicy(db, { kind: 'local' }, 'tester')
    await deleteGroup(db, 'g', {}, 'tester')
  })

  test('decides alone while PostgreSQL is stopped, and reads everything again after its restart', async () => {
    const roster = await loaded(testRoster(opened.bootDb ?? db, { waitMs: 300 }))
    await postgres.stop('SIGQUIT')
    await expect.poll(() => isDenied(roster), { timeout: 10_000 }).toEqual({ denied: false, alone: true })
    await postgres.start()
    await expect
      .poll(
        () =>
          db.execute(deny).then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true)
    await expect.poll(() => isDenied(roster), { timeout: 20_000 }).toEqual({ denied: true, alone: false })
    await loaded(roster)
    expect(await isDenied(roster)).toEqual({ denied: true, alone: false })
  })
})
