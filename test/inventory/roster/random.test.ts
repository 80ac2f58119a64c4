import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { openPostgres } from '../../../src/db/postgres/open-postgres.ts'
import { decide } from '../../../src/decide/decision.ts'
import type { FindSituation, Roster } from '../../../src/inventory/roster/roster.ts'
import type { Situation } from '../../../src/model/decision.ts'
import { createFresh, openTestDatabase } from '../../helpers/database.ts'
import { createDirectSituation } from '../../helpers/direct-situation.ts'
import { loaded, testRoster } from '../../helpers/roster.ts'
import { roundsOf, type Seeded, seeded } from '../../helpers/seeded.ts'
import { randomFacts, randomStatement } from './random-changes.ts'

/** A session that changes the database, alone or in transactions. */
type Session = { run: (statement: string) => Promise<unknown>; inTransaction: boolean }

const steps = roundsOf(250)

/** What a decision depends on, and the decision. */
function judged(situation: Situation) {
  const { identity, deployment, secrets, facts, today } = situation
  const { decision } = decide(situation)
  return {
    decision,
    deployment,
    secrets,
    facts,
    today,
    advice: { ...identity, machine: undefined, conflict: undefined, claimed: undefined, doubt: undefined },
  }
}

async function compare(
  random: Seeded,
  rosters: { name: string; find: FindSituation }[],
  direct: FindSituation,
  trail: string[],
) {
  const facts = randomFacts(random)
  const expected = judged(await direct(facts))
  for (const { name, find } of rosters)
    expect(
      judged(await find(facts)),
      `${name}, seed ${random.seed}, ${JSON.stringify(facts)} after\n${trail.slice(-8).join('\n')}`,
    ).toEqual(expected)
}

describe('the roster decides as the database does', () => {
  test('on the embedded database, after each of many random changes', { timeout: 600_000 }, async () => {
    const { db, close } = await openTestDatabase()
    onTestFinished(close)
    const random = seeded('roster, embedded')
    const rosters = await openRosters(db)
    const direct = createDirectSituation(db)
    const trail: string[] = []
    for (let n = 0; n < steps; n++) {
      const statements = Array.from({ length: random.between(1, 3) }, () => randomStatement(random))
      trail.push(...statements)
      const isKept = random.next() < 0.8
      await db
        .transaction(async (tx) => {
          for (const statement of statements)
            await tx.transaction((inner) => inner.execute(sql.raw(statement))).catch(ignoreRefused)
          if (!isKept) throw new Error('rolled back')
        })
        .catch((error: Error) => expect(error.message).toBe('rolled back'))
      await compare(random, random.next() < 0.5 ? rosters : rosters.slice(0, 1), direct, trail)
    }
  })

  test('on PostgreSQL, while transactions commit late or roll back', { timeout: 600_000 }, async ({ skip }) => {
    const server = inject('postgresUrl')
    if (server === undefined) return skip('PostgreSQL is not installed')
    const url = await createFresh(server)
    const [one, two] = [await openPostgres(url), await openPostgres(url)]
    const sessions = await Promise.all(Array.from({ length: 4 }, () => openSession(url)))
    onTestFinished(async () => {
      await Promise.all([one.close(), two.close()])
    })
    const random = seeded('roster, PostgreSQL')
    const rosters = [...(await openRosters(one.db)), ...(await openRosters(two.db))]
    const direct = createDirectSituation(one.db)
    const trail: string[] = []
    for (let n = 0; n < steps * 2; n++) {
      const place = random.between(0, sessions.length - 1)
      const action = await act(random, sessions[place] as Session)
      trail.push(`${place}: ${action}`)
      const asked = rosters.filter(() => random.next() < 0.5)
      await compare(random, asked, direct, trail)
    }
  })
})

/** A statement of its own, or the beginning, a part or the end of a transaction. */
async function act(random: Seeded, session: Session): Promise<string> {
  const { run } = session
  if (!session.inTransaction && random.next() < 0.4) {
    session.inTransaction = true
    await run(`begin isolation level ${random.next() < 0.3 ? 'repeatable read' : 'read committed'}`)
  }
  if (session.inTransaction && random.next() < 0.25) {
    session.inTransaction = false
    const end = random.next() < 0.7 ? 'commit' : 'rollback'
    await run(end)
    return end
  }
  const statement = randomStatement(random)
  if (!session.inTransaction) {
    await run(statement).catch(ignoreRefused)
    return statement
  }
  // Each statement is a subtransaction: a refused one must not end the transaction, and changes carry the id of the whole.
  await run('savepoint s')
  const done = await run(statement).then(
    () => true,
    async (error) => {
      ignoreRefused(error)
      await run('rollback to s')
      return false
    },
  )
  if (done && random.next() < 0.2) await run('rollback to s')
  else if (done && /^\s*truncate/i.test(statement)) {
    // Until its transaction ends, TRUNCATE keeps all readers out, also the one that this test compares with.
    session.inTransaction = false
    const end = random.next() < 0.7 ? 'commit' : 'rollback'
    await run(end)
    return `in a transaction: ${statement}, then ${end}`
  }
  return `in a transaction: ${statement}`
}

// A lock of another transaction, a value that is taken, a row that another transaction changed.
function ignoreRefused(error: unknown): void {
  const { code, cause } = error as { code?: string; cause?: { code?: string } }
  expect(['55P03', '23505', '23503', '23502', '40001', '40P01', 'P0001'], String(error)).toContain(code ?? cause?.code)
}

async function openSession(url: string): Promise<Session> {
  const client = postgres(url, { max: 1, onnotice: () => {}, connection: { lock_timeout: 20 } })
  onTestFinished(() => client.end({ timeout: 1 }))
  return { run: (statement) => client.unsafe(statement), inTransaction: false }
}

/** A complete roster, one of four machines, and one that is still empty. */
async function openRosters(db: Db): Promise<{ name: string; find: FindSituation }[]> {
  const rosters: [string, Roster][] = [
    ['complete', await loaded(testRoster(db))],
    ['bounded', await loaded(testRoster(db, { maxMachines: 4 }))],
  ]
  return rosters.map(([name, roster]) => ({ name, find: roster.findSituation }))
}
