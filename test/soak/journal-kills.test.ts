import { expect, inject, test } from 'vitest'
import { createFresh } from '../helpers/database.ts'
import { runKills } from '../helpers/kill-run.ts'
import { roundsOf, seeded } from '../helpers/seeded.ts'

const hours = 3 * 3_600_000

// SOAK_ROUNDS sets the number of kills.
test('hundreds of kills lose nothing, with the embedded database', { timeout: hours }, async () => {
  const random = seeded('hundreds of kills, embedded')
  const { model, differences } = await runKills(random, roundsOf(200), undefined)
  console.log(`${model.scripts.size} scripts, ${model.reports.size} reports, ${model.unanswered} retries`)
  expect(differences, `SOAK_SEED=${random.seed}`).toEqual([])
})

test('hundreds of kills lose nothing, while PostgreSQL goes away and returns', { timeout: hours }, async () => {
  const postgresUrl = inject('postgresUrl')
  if (postgresUrl === undefined) throw new Error('PostgreSQL is not installed (Debian: apt-get install postgresql)')
  const random = seeded('hundreds of kills, PostgreSQL')
  const { model, differences, outages } = await runKills(random, roundsOf(300), await createFresh(postgresUrl))
  console.log(
    `${model.scripts.size} scripts, ${model.reports.size} reports, ${model.unanswered} retries, ${outages} outages`,
  )
  expect(differences, `SOAK_SEED=${random.seed}`).toEqual([])
})
