import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { openPostgres } from '../../../src/db/postgres/open-postgres.ts'
import { rowsOf } from '../../../src/db/rows.ts'
import { armDeployment, findDeployment } from '../../../src/inventory/boots/deployments.ts'
import { bootRecordOf } from '../../../src/inventory/boots/open-boot.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import type { JournalFiles } from '../../../src/inventory/journal/files.ts'
import { openJournal } from '../../../src/inventory/journal/open-journal.ts'
import { formatRecord, type RecordKind } from '../../../src/inventory/journal/records.ts'
import { applyEarly } from '../../../src/inventory/journal/writing/early-reports.ts'
import { startWriter } from '../../../src/inventory/journal/writing/writer.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { decideFor, testBootKeys } from '../../helpers/boots.ts'
import { createFresh, eachDatabase } from '../../helpers/database.ts'
import { openTestFiles } from '../../helpers/journal.ts'
import { roundsOf, type Seeded, seeded } from '../../helpers/seeded.ts'
import { startTcpRelay } from '../../helpers/tcp-relay.ts'

const quiet = pino({ level: 'silent' })
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-journal-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A record for the journal. */
type Plan = { kind: RecordKind; fields: Record<string, unknown> }

/** Makes an image, and machines with an active deployment; every second machine boots its local disk. */
async function arm(db: Db, machines: number, maxAttempts = 20) {
  await saveImage(db, 'installer', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
  const armed: { mac: string; ip: string; machineId: string; deploymentId: string }[] = []
  for (let n = 0; n < machines; n++) {
    const mac = `52:54:00:88:00:${n.toString(16).padStart(2, '0')}`
    const { machine } = await saveMachine(db, { mac }, { assignment: { local: true } }, {}, 'tester')
    const order = { image: 'installer', assignment: {}, maxAttempts, windowSeconds: 36_000 }
    const { id } = await armDeployment(db, machine.id, order, false, 'tester')
    armed.push({ mac, ip: `192.0.2.${n + 1}`, machineId: machine.id, deploymentId: id })
  }
  return armed
}
type Armed = Awaited<ReturnType<typeof arm>>[number]

async function bootPlan(db: Db, { mac, ip }: Pick<Armed, 'mac' | 'ip'>): Promise<Plan & { id: string }> {
  const facts = { mac, platform: 'efi', buildarch: 'x86_64' } as const
  const decision = await decideFor(db, facts)
  const keys = testBootKeys()
  return {
    id: keys.id,
    kind: 'boot',
    fields: bootRecordOf({ ...keys, facts, ip, decision, script: '#!ipxe\n', reports: true }),
  }
}

/** A random story of machines: firmware, scripts, downloads and reports, in one order. */
async function randomStory(db: Db, random: Seeded, armed: Armed[], length: number): Promise<Plan[]> {
  const boots = new Map<string, string[]>()
  const plans: Plan[] = []
  for (let n = 0; n < length; n++) {
    const machine = random.pick(armed)
    const own = boots.get(machine.mac) ?? []
    // A stranger at another address may use the MAC, and several machines may share an address.
    const ip = random.next() < 0.15 ? '192.0.2.200' : machine.ip
    const choice = random.between(0, 9)
    if (choice <= 1) {
      const mac = random.next() < 0.5 ? machine.mac : undefined
      plans.push({
        kind: 'stray',
        fields: { ip, mac, stage: mac === undefined ? 'nbp' : 'dhcp', message: `stray ${n}` },
      })
    } else if (choice <= 4 || own.length === 0) {
      const plan = await bootPlan(db, { mac: machine.mac, ip })
      boots.set(machine.mac, [...own, plan.id])
      plans.push(plan)
    } else {
      const boot_id = random.next() < 0.7 ? own.at(-1) : random.pick(own)
      if (choice <= 6)
        plans.push({
          kind: 'event',
          fields: { boot_id, ip, stage: random.pick(['kernel', 'initrd']), file: `f${n}` },
        })
      else {
        const seen = random.pick([
          'ready',
          'ready',
          'installing',
          'progress',
          'answer-file',
          'booted',
          'installed',
          'failed',
        ])
        plans.push({ kind: 'report', fields: { boot_id, ip, seen, message: `report ${n}` } })
      }
      if (random.next() < 0.05) plans.push({ kind: 'notice', fields: { boot_id, ip, message: `notice ${n}` } })
      if (random.next() < 0.05)
        plans.push({ kind: 'seen', fields: { machine_id: machine.machineId, remembered: { asset: `a${n}` } } })
    }
  }
  return plans
}

/** Appends plans to a journal. All records of one call are in the files before the writer sees one. */
async function append(files: JournalFiles, plans: Plan[], from = 0): Promise<void> {
  await Promise.all(
    plans.map(({ kind, fields }, n) => {
      const { text, keys } = formatRecord(kind, from + n, files.run.now(), fields)
      return files.run.append(text, keys)
    }),
  )
}

async function writeAll(db: Db, files: JournalFiles): Promise<void> {
  const writer = startWriter(db, files, quiet)
  await writer.stop(60_000)
}

/**
 * Everything that a journal changes, without times and without ids of rows. Hints about other addresses are looked up after each
 * transaction, so they depend on its size.
 */
async function stateOf(db: Db): Promise<unknown> {
  const rows = async (query: ReturnType<typeof sql>) => rowsOf<Record<string, unknown>>(await db.execute(query))
  return {
    boots: await rows(
      sql`select id, machine_id, mac, ip, outcome, message, progressed, stage, progress, deployment_id from boots order by seq`,
    ),
    events: await rows(
      sql`select boot_id, ip, mac, stage, file, message from boot_events where stage <> 'notice' or message like 'notice %' order by boot_id nulls first, stage, file, message, ip`,
    ),
    order: await rows(
      sql`select boot_id, stage, message from boot_events where stage in ('ready', 'installing', 'progress', 'installed', 'failed', 'booted') order by boot_id, id`,
    ),
    deployments: await rows(sql`select id, state, attempts, reason from deployments order by id`),
    machines: await rows(sql`select id, facts from machines order by id`),
    changes: await rows(
      sql`select type, subject, count(*)::int as n from changes where (type like 'boot.%' or type like 'deployment.%') and type <> 'boot.other-address' group by 1, 2 order by 1, 2`,
    ),
  }
}

/** Puts the tables back to the state before a story. */
async function reset(db: Db): Promise<void> {
  await db.execute(sql`delete from boot_events`)
  await db.execute(sql`delete from boots`)
  await db.execute(sql`delete from changes where type like 'boot.%' or type like 'deployment.%'`)
  await db.execute(
    sql`update deployments set state = 'armed', attempts = 0, reason = null, started_at = null, ended_at = null`,
  )
  await db.execute(sql`update machines set facts = '{}', last_seen_at = null`)
  await db.execute(sql`delete from early_reports`)
  await db.execute(sql`delete from journal_runs`)
}

eachDatabase('the writer of the journal', (database) => {
  test('writes a random story with the same result as one record after the other', { timeout: 120_000 }, async () => {
    const random = seeded('stories of the journal')
    for (let round = 0; round < roundsOf(3); round++) {
      await database().execute(sql`delete from machines`)
      await database().execute(sql`delete from images`)
      const armed = await arm(database(), random.between(1, 5))
      const plans = await randomStory(database(), random, armed, random.between(20, 90))

      await reset(database())
      const single = await openTestFiles(join(folder, `single ${round}`))
      for (const [n, plan] of plans.entries()) {
        await append(single, [plan], n)
        await writeAll(database(), single)
      }
      const expected = await stateOf(database())
      await single.run.close()

      await reset(database())
      const batched = await openTestFiles(join(folder, `batched ${round}`))
      for (let at = 0; at < plans.length; ) {
        const size = random.pick([1, 5, 30, 200])
        await append(batched, plans.slice(at, at + size), at)
        await writeAll(database(), batched)
        at += size
      }
      expect(await stateOf(database()), `SOAK_SEED=${random.seed}, round ${round}`).toEqual(expected)
      await batched.run.close()
    }
  })

  test('continues after a restart, and writes each record once', async () => {
    const [machine] = await arm(database(), 1)
    const files = await openTestFiles(folder)
    const plan = await bootPlan(database(), machine as Armed)
    await append(files, [plan, { kind: 'report', fields: { boot_id: plan.id, ip: '192.0.2.1', seen: 'ready' } }])
    await writeAll(database(), files)
    await append(files, [{ kind: 'report', fields: { boot_id: plan.id, ip: '192.0.2.1', seen: 'installing' } }], 2)
    // The process is killed here: its run is not closed. Two starts follow.
    const before = await stateOf(database())
    const second = await openTestFiles(folder)
    expect(second.former.map(({ run }) => run)).toEqual([files.run.run])
    await writeAll(database(), second)
    const after = await stateOf(database())
    expect(after).not.toEqual(before)
    expect((await findDeployment(database(), machine?.deploymentId ?? ''))?.state).toBe('installing')
    const third = await openTestFiles(folder)
    await writeAll(database(), third)
    expect(await stateOf(database())).toEqual(after)
    for (const one of [files, second, third]) await one.run.close()
  })

  test('gives replayed records the times at which they happened', async () => {
    const [machine] = await arm(database(), 1)
    const files = await openTestFiles(folder)
    const plan = await bootPlan(database(), machine as Armed)
    const seen = {
      kind: 'report' as const,
      fields: { boot_id: plan.id, ip: '192.0.2.1', seen: 'ready' },
    }
    await append(files, [plan, seen])
    await new Promise((resolve) => setTimeout(resolve, 1200))
    const second = await openTestFiles(folder)
    await writeAll(database(), second)
    const [row] = rowsOf<{ boot: number; report: number; attempt: number }>(
      await database().execute(sql`
        select extract(epoch from now() - started_at)::float8 as boot, extract(epoch from now() - heard_at)::float8 as report,
          (select extract(epoch from now() - started_at)::float8 from deployments) as attempt from boots`),
    )
    for (const age of [row?.boot, row?.report, row?.attempt]) expect(age).toBeGreaterThan(1.1)
    for (const one of [files, second]) await one.run.close()
  })

  test('keeps a report until its boot is recorded, then applies it once and in order', async () => {
    const [machine] = await arm(database(), 1)
    const { mac, ip, deploymentId } = machine as Armed
    const plan = await bootPlan(database(), { mac, ip })
    const report = (seen: string): Plan => ({ kind: 'report', fields: { boot_id: plan.id, ip, seen } })
    const other = await openTestFiles(join(folder, 'other'))
    await append(other, [report('ready'), report('installing')])
    await writeAll(database(), other)
    expect((await findDeployment(database(), deploymentId))?.state).toBe('armed')
    const own = await openTestFiles(join(folder, 'own'))
    await append(own, [plan])
    await writeAll(database(), own)
    expect(await findDeployment(database(), deploymentId)).toMatchObject({ state: 'installing', attempts: 1 })
    const before = await stateOf(database())
    await applyEarly(database(), {})
    expect(await stateOf(database())).toEqual(before)
    for (const one of [other, own]) await one.run.close()
  })

  test('puts a record aside that the database refuses, and writes the others', async () => {
    const [machine] = await arm(database(), 1)
    const files = await openTestFiles(folder)
    const plan = await bootPlan(database(), machine as Armed)
    const wrong: Plan = { kind: 'stray', fields: { ip: '192.0.2.1', stage: 'nbp', bytes: 'not a number' } }
    await append(files, [{ kind: 'stray', fields: { ip: '192.0.2.1', stage: 'nbp' } }, plan, wrong])
    await append(files, [{ kind: 'event', fields: { boot_id: plan.id, ip: '192.0.2.1', stage: 'kernel' } }], 3)
    await append(files, [{ kind: 'from a newer version' as RecordKind, fields: {} }], 4)
    const writer = startWriter(database(), await openTestFiles(folder), quiet)
    await writer.stop(30_000)
    const stages = rowsOf<{ stage: string }>(await database().execute(sql`select stage from boot_events order by id`))
    expect(stages.map(({ stage }) => stage).sort()).toEqual(['kernel', 'nbp', 'script'])
    const aside = (await readFile(join(folder, 'refused.jsonl'), 'utf8')).trim().split('\n')
    expect(aside.map((line) => JSON.parse(line).record)).toEqual(['stray', 'from a newer version'])
    await files.run.close()
  })

  test('gives the boot of a machine that another server discovered first to that machine', async () => {
    const mac = '52:54:00:88:99:01'
    const limits = { max: 10, maxPerAddress: 10 }
    const files = await openTestFiles(folder)
    const found = (id: string): Plan => ({
      kind: 'discovered',
      fields: { machine_id: id, mac, facts: { mac, ip: '192.0.2.9' }, limits },
    })
    const [first, second] = [testBootKeys().id, testBootKeys().id]
    await append(files, [found(first), found(second)])
    const plan = await bootPlan(database(), { mac, ip: '192.0.2.9' })
    await append(files, [{ ...plan, fields: { ...plan.fields, machine_id: second, discovered: true } }], 2)
    await writeAll(database(), files)
    const rows = rowsOf<{ id: string }>(await database().execute(sql`select id from machines`))
    expect(rows).toEqual([{ id: first }])
    const boots = rowsOf<{ machine: string }>(await database().execute(sql`select machine_id as machine from boots`))
    expect(boots).toEqual([{ machine: first }])
    await files.run.close()
  })
})

const postgresUrl = inject('postgresUrl')
describe.runIf(postgresUrl !== undefined)('the journal and a connection that is cut', () => {
  test('writes each record once when the answers of commits are lost', { timeout: 120_000 }, async () => {
    const random = seeded('lost answers of commits')
    const url = new URL(await createFresh(postgresUrl as string))
    let cutting = false
    let cuts = 0
    // PostgreSQL's answer to COMMIT contains this tag. The server has committed, and the client never learns it.
    const relay = await startTcpRelay(Number(url.port), ({ bytes, from }) => {
      if (!cutting || from !== 'server' || !bytes.includes('COMMIT\0') || random.next() < 0.5) return bytes
      cuts += 1
      return 'cut'
    })
    onTestFinished(relay.stop)
    const direct = await openPostgres(url.href)
    onTestFinished(direct.close)
    const relayed = new URL(url)
    relayed.port = String(relay.port)
    const cut = await openPostgres(relayed.href)
    onTestFinished(cut.close)

    const armed = await arm(direct.db, 4)
    const plans = await randomStory(direct.db, random, armed, 80)
    const files = await openTestFiles(folder)
    const journal = openJournal(cut.db, files, quiet)
    cutting = true
    for (let at = 0; at < plans.length; at += 10) {
      await append(files, plans.slice(at, at + 10), at)
      journal.events.record({ ip: '192.0.2.250', stage: 'nbp', file: `marker ${at}` })
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 60)))
    }
    await expect.poll(() => journal.state().waitingBytes, { timeout: 60_000 }).toBe(0)
    cutting = false
    await journal.stop()
    expect(cuts, `SOAK_SEED=${random.seed}`).toBeGreaterThan(3)
    const count = async (query: ReturnType<typeof sql>) => rowsOf<{ n: number }>(await direct.db.execute(query))[0]?.n
    const planned = (kind: RecordKind) => plans.filter((plan) => plan.kind === kind).length
    expect(await count(sql`select count(*)::int as n from boots`)).toBe(planned('boot'))
    expect(await count(sql`select count(*)::int as n from boot_events where message like 'stray %'`)).toBe(
      planned('stray'),
    )
    expect(await count(sql`select count(*)::int as n from boot_events where file like 'marker %'`)).toBe(
      Math.ceil(plans.length / 10),
    )
    expect(await count(sql`select count(*)::int as n from boot_events where file like 'f%'`)).toBe(planned('event'))
    expect(await count(sql`select count(*)::int as n from boot_events where message like 'report %'`)).toBe(
      planned('report'),
    )
  })
})
