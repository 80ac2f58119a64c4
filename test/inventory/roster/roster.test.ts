import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { rowsOf } from '../../../src/db/rows.ts'
import { decide } from '../../../src/decide/decision.ts'
import { armDeployment } from '../../../src/inventory/boots/deployments.ts'
import { saveAnswerFile } from '../../../src/inventory/images/answer-files.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { saveGroup } from '../../../src/inventory/machines/groups.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { saveSecret } from '../../../src/inventory/machines/secrets.ts'
import { pruneRosterChanges } from '../../../src/inventory/roster/questions.ts'
import { createSealer } from '../../../src/lib/seal.ts'
import type { Decision, Situation } from '../../../src/model/decision.ts'
import type { Facts } from '../../../src/model/facts.ts'
import { readLines, writeLines } from '../../../src/server/data/roster-file.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase, openTestDatabase } from '../../helpers/database.ts'
import { createDirectSituation } from '../../helpers/direct-situation.ts'
import { loaded, testRoster } from '../../helpers/roster.ts'

const silent = pino({ level: 'silent' })
const macOf = (n: number) => `52:54:00:00:01:${n.toString(16).padStart(2, '0')}`

async function addMachines(db: Db, count: number): Promise<void> {
  await saveImage(db, 'tool', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
  await db.execute(sql`
    with made as (insert into machines (id, discovered, hostname, serial, product, assignment)
      select gen_random_uuid(), false, 'host' || n, 'S' || n, 'X1', '{"image": "tool"}' from generate_series(0, ${count - 1}::int) as n returning id, hostname)
    insert into machine_macs (mac, machine_id)
      select '52:54:00:00:01:' || lpad(to_hex(substr(hostname, 5)::int), 2, '0'), id from made`)
}

/** The machines that an identity names, in order. */
const namesIn = ({ identity }: Situation): string[] => JSON.stringify(identity).match(/host\d/g) ?? []

const decisionOf = async (find: ReturnType<typeof createDirectSituation>, facts: Facts): Promise<Decision> =>
  decide(await find(facts)).decision

eachDatabase('a roster', (database) => {
  test('of at most 10 machines answers for 100 as the database does, and remembers absent ones', async () => {
    const db = database()
    await addMachines(db, 100)
    const roster = await loaded(testRoster(db, { maxMachines: 10 }))
    const direct = createDirectSituation(db)
    expect(roster.size()).toMatchObject({ isComplete: false })
    for (const n of [...Array(100).keys(), 3, 99, 98, 97, 120, 120]) {
      const facts: Facts = n % 2 === 0 ? { mac: macOf(n) } : { mac: macOf(200), serial: `s${n}`, product: 'x1' }
      expect(await decisionOf(roster.findSituation, facts)).toEqual(await decisionOf(direct, facts))
    }
    expect(roster.size().machines).toBeLessThanOrEqual(10)
    // The machine that was absent is added: the next look-up finds it.
    await db.execute(sql`update machine_macs set mac = ${macOf(120)} where mac = ${macOf(5)}`)
    for (const facts of [{ mac: macOf(120) }, { mac: macOf(5) }])
      expect(await decisionOf(roster.findSituation, facts)).toEqual(await decisionOf(direct, facts))
  })

  test('takes the same few of many machines that share a value, whatever the order of their changes', async () => {
    const db = database()
    const idOf = (n: number) => `00000000-0000-4000-8000-00000000000${n}`
    const add = async (n: number) =>
      db.execute(sql`insert into machines (id, discovered, hostname, serial, product, facts)
        values (${idOf(n)}, ${n % 3 === 0}, ${`host${n}`}, ${n % 2 === 0 ? 'Z9' : null}, 'X1', '{"serial": "z9", "product": "X1"}')`)
    for (const n of [7, 2, 9, 4]) await add(n)
    const roster = await loaded(testRoster(db))
    const direct = createDirectSituation(db)
    const isSame = async () => {
      const facts: Facts = { mac: macOf(1), serial: 'Z9', product: 'X1' }
      const [found, expected] = [await roster.findSituation(facts), await direct(facts)]
      expect(namesIn(found)).toEqual(namesIn(expected))
      expect(decide(found).decision).toEqual(decide(expected).decision)
      return namesIn(expected).join()
    }
    await isSame()
    for (const n of [8, 0, 6, 1, 5, 3]) await add(n)
    const before = await isSame()
    await db.execute(sql`update machines set discovered = not discovered`)
    expect(await isSame()).not.toBe(before)
    await db.execute(sql`delete from machines where id in (${idOf(0)}, ${idOf(1)}, ${idOf(3)})`)
    await isSame()
  })

  test('that reaches its limit while it runs continues with the machines used last', async () => {
    const db = database()
    await addMachines(db, 20)
    const roster = await loaded(testRoster(db, { maxMachines: 25 }))
    expect(roster.size()).toMatchObject({ machines: 20, isComplete: true })
    await db.execute(
      sql`insert into machines (id, discovered, hostname) select gen_random_uuid(), false, 'more' || n from generate_series(1, 10) as n`,
    )
    const direct = createDirectSituation(db)
    for (let n = 0; n < 22; n++)
      expect(await decisionOf(roster.findSituation, { mac: macOf(n) })).toEqual(
        await decisionOf(direct, { mac: macOf(n) }),
      )
    expect(roster.size()).toMatchObject({ machines: 25, isComplete: false })
  })

  test('reads everything again if the changes since its last question were deleted', async () => {
    const db = database()
    await addMachines(db, 3)
    await pruneRosterChanges(db, { keptSeconds: 0 })
    const paused = await loaded(testRoster(db))
    const lines = [...(paused.lines() ?? [])]
    await paused.close()
    await db.execute(sql`update machines set denied = true`)
    // Rows are deleted at the second pruning after they were written.
    for (let n = 0; n < 2; n++) await pruneRosterChanges(db, { keptSeconds: 0 })
    expect(rowsOf(await db.execute(sql`select 1 from roster_changes`))).toEqual([])
    const again = testRoster(db, { saved: lined(lines) })
    expect((await decisionOf(again.findSituation, { mac: macOf(1) })).spec).toMatchObject({ code: 'BW-DENIED' })
    await loaded(again)
    expect((await decisionOf(again.findSituation, { mac: macOf(1) })).spec).toMatchObject({ code: 'BW-DENIED' })
  })

  test('continues from the saved file, with the changes since', async () => {
    const db = database()
    await addMachines(db, 3)
    const before = await loaded(testRoster(db))
    const lines = [...(before.lines() ?? [])]
    await before.close()
    await db.execute(sql`update machines set denied = true where hostname = 'host1'`)
    await db.execute(sql`delete from machines where hostname = 'host2'`)
    const roster = await loaded(testRoster(db, { saved: lined(lines) }))
    const direct = createDirectSituation(db)
    for (let n = 0; n < 3; n++)
      expect(await decisionOf(roster.findSituation, { mac: macOf(n) })).toEqual(
        await decisionOf(direct, { mac: macOf(n) }),
      )
    expect(roster.size()).toMatchObject({ machines: 2, isComplete: true })
  })

  test('asks nothing while the count of writes stays the same', async () => {
    const db = database()
    await addMachines(db, 2)
    let writes = 0
    const roster = await loaded(testRoster(db, { writes: () => writes }))
    await roster.findSituation({ mac: macOf(0) })
    await db.execute(sql`update machines set denied = true`)
    expect((await decisionOf(roster.findSituation, { mac: macOf(0) })).spec.kind).toBe('local')
    writes += 1
    expect((await decisionOf(roster.findSituation, { mac: macOf(0) })).spec).toMatchObject({ code: 'BW-DENIED' })
  })

  test('does not hear of updates that change nothing for decisions', async () => {
    const db = database()
    await addMachines(db, 2)
    await db.execute(sql`delete from roster_changes`)
    await db.execute(sql`update machines set last_seen_at = now(), revision = revision + 1, facts = facts || '{}'`)
    expect(rowsOf(await db.execute(sql`select * from roster_changes`))).toEqual([])
    await db.execute(
      sql`update machines set last_seen_at = now(), facts = facts || '{"platform": "efi"}' where hostname = 'host1'`,
    )
    expect(rowsOf(await db.execute(sql`select kind, hostnames from roster_changes`))).toEqual([
      { kind: 'machine', hostnames: null },
    ])
  })

  test('holds the sealed secrets of machines and groups, and the documents of answer files', async () => {
    const db = database()
    await addMachines(db, 1)
    const roster = await loaded(testRoster(db))
    const sealer = createSealer(Buffer.alloc(32, 1))
    const { identity } = await roster.findSituation({ mac: macOf(0) })
    const id = 'machine' in identity ? identity.machine.id : ''
    await saveGroup(db, 'all', { title: '', priority: 0, selector: [], assignment: {} }, {}, 'tester')
    await saveSecret(db, sealer, { kind: 'machine', id }, 'root', 'of the machine', 'tester')
    await saveSecret(db, sealer, { kind: 'group', id: 'all' }, 'root', 'of the group', 'tester')
    const document = { name: 'preseed.cfg', mediaType: 'text/plain', text: 'd-i' }
    await saveAnswerFile(db, 'seed', { documents: [document] }, {}, 'tester')
    const { secrets } = await roster.findSituation({ mac: macOf(0) })
    expect(secrets).toEqual({ machine: ['root'], groups: { all: ['root'] } })
    expect(
      roster.sealedSecrets(id, ['all']).map(({ ownerKind, sealed }) => [ownerKind, sealer.open(sealed, 'secret root')]),
    ).toEqual([
      ['group', 'of the group'],
      ['machine', 'of the machine'],
    ])
    expect(roster.answerDocuments('seed', 1)).toEqual([document])
    // An earlier version is needed by boots that began with it.
    await saveAnswerFile(db, 'seed', { documents: [{ ...document, text: 'other' }] }, {}, 'tester')
    await roster.findSituation({ mac: macOf(0) })
    expect(roster.answerDocuments('seed', 1)).toEqual([document])
    expect(roster.answerDocuments('seed', 2)?.[0]?.text).toBe('other')
  })

  test('knows the boots with a deployment, and when they ended', async () => {
    const db = database()
    await addMachines(db, 1)
    const { identity } = await createDirectSituation(db)({ mac: macOf(0) })
    const id = 'machine' in identity ? identity.machine.id : ''
    await armDeployment(db, id, { image: 'tool', assignment: {}, maxAttempts: 3, windowSeconds: 60 }, false, 'tester')
    const before = await openBootFor(db, { mac: macOf(0) }, '10.0.0.1')
    const roster = await loaded(testRoster(db))
    expect(roster.findBoot(before.id)).toMatchObject({ machineId: id, outcome: null, overtaken: false })
    const boot = await openBootFor(db, { mac: macOf(0) }, '10.0.0.1')
    await db.execute(sql`update boots set outcome = 'installed', progressed = true where id = ${boot.id}`)
    await roster.findSituation({ mac: macOf(0) })
    await roster.close()
    expect(roster.findBoot(boot.id)).toMatchObject({ outcome: 'installed', progressed: true })
    expect(roster.findBoot(before.id)).toMatchObject({ overtaken: true })
  })

  test('counts moves, claims and discovered machines of its own before the database has them', async () => {
    const db = database()
    await addMachines(db, 1)
    const roster = await loaded(testRoster(db))
    const find = roster.findSituation
    const { identity } = await find({ mac: macOf(0) })
    const id = 'machine' in identity ? identity.machine.id : ''
    const order = { image: 'tool', assignment: {}, maxAttempts: 3, windowSeconds: 60 }
    const { id: deployment } = await armDeployment(db, id, order, false, 'tester')
    expect((await find({ mac: macOf(0) })).deployment?.state).toBe('armed')
    roster.moved(deployment, { state: 'installed', attempts: 1 })
    expect((await find({ mac: macOf(0) })).deployment).toMatchObject({ state: 'installed', attempts: 1 })
    await db.execute(sql`update deployments set state = 'installed', attempts = 1`)
    roster.settled(deployment)
    expect((await find({ mac: macOf(0) })).deployment?.state).toBe('installed')
    await db.execute(sql`update deployments set state = 'started'`)
    expect((await find({ mac: macOf(0) })).deployment?.state).toBe('started')

    roster.addClaim(id, { mac: macOf(8), facts: { mac: macOf(8), serial: 'S0', product: 'X1' } })
    const doubted = await find({ mac: macOf(9), serial: 'S0', product: 'X1' })
    expect('machine' in doubted.identity).toBe(false)

    const now = new Date()
    const facts = { mac: macOf(50), uuid: '1b7f3a52-9c1e-4c55-a1f0-2f9d3c6b7e11' }
    const discovered = {
      ...{
        id: '01900000-0000-7000-8000-000000000001',
        macs: [macOf(50)],
        discovered: true,
        discoveredFrom: '',
        denied: false,
      },
      ...{ labels: {}, facts, revision: 1, createdAt: now, updatedAt: now },
    }
    roster.addDiscovered(discovered)
    expect((await find(facts)).identity).toMatchObject({ machine: { id: discovered.id, discovered: true } })
    await saveMachine(db, { mac: macOf(50) }, { hostname: 'entered' }, {}, 'tester')
    expect((await find(facts)).identity).toMatchObject({ machine: { hostname: 'entered' } })
  })
})

async function* lined(lines: string[]): AsyncGenerator<string> {
  yield* lines
}

test('a server that starts while its database is away decides from the file, and says as of when', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-roster-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'roster')
  const { db, close } = await openTestDatabase()
  await addMachines(db, 3)
  const before = await loaded(testRoster(db))
  const expected = await decisionOf(before.findSituation, { mac: macOf(1) })
  await writeLines(path, before.lines() ?? [])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await before.close()
  await close()

  const roster = testRoster(db, { waitMs: 100, saved: await readLines(path, silent) })
  const { asOf, notices, ...decision } = await decisionOf(roster.findSituation, { mac: macOf(1) })
  expect({ ...decision, notices: notices.slice(1) }).toEqual(expected)
  expect(notices[0]).toBe(`decided without the database, as of ${asOf?.slice(11, 19)} UTC`)
  expect(roster.away()).toMatchObject({ asOf: new Date(asOf ?? '') })
  // A machine that is not in memory is unknown, because all machines are in memory.
  expect((await roster.findSituation({ mac: macOf(200) })).identity).toMatchObject({ claimed: [] })

  const bytes = await readFile(path)
  const places = [10, Math.floor(bytes.length / 2), bytes.length - 2]
  for (const place of places) {
    const damaged = Buffer.from(bytes)
    damaged.writeUInt8(damaged.readUInt8(place) ^ 1, place)
    await writeFile(path, damaged)
    expect(await readLines(path, silent), `byte ${place}`).toBeUndefined()
  }
  await writeFile(path, bytes.subarray(0, 100))
  expect(await readLines(path, silent)).toBeUndefined()
  expect(await readLines(join(folder, 'none'), silent)).toBeUndefined()
  await writeLines(path, ['{"roster":0}'])
  const other = testRoster(db, { waitMs: 100, saved: await readLines(path, silent) })
  await expect(other.findSituation({ mac: macOf(1) })).rejects.toThrow()
})
