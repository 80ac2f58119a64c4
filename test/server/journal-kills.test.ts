import { expect, inject, test } from 'vitest'
import { createFresh } from '../helpers/database.ts'
import { runKills } from '../helpers/kill-run.ts'
import { roundsOf, seeded } from '../helpers/seeded.ts'

const title = 'a server that is killed while machines boot loses no acknowledged report and no served script'

test(`${title}, with the embedded database`, { timeout: 300_000 }, async () => {
  const random = seeded('kills with the embedded database')
  const { model, differences } = await runKills(random, roundsOf(3), undefined)
  expect(differences, `SOAK_SEED=${random.seed}`).toEqual([])
  expect(model.reports.size).toBeGreaterThan(5)
})

const postgresUrl = inject('postgresUrl')
test.runIf(postgresUrl !== undefined)(
  `${title}, while PostgreSQL goes away and returns`,
  { timeout: 300_000 },
  async () => {
    const random = seeded('kills while PostgreSQL goes away')
    const { model, differences } = await runKills(random, roundsOf(6), await createFresh(postgresUrl as string))
    expect(differences, `SOAK_SEED=${random.seed}`).toEqual([])
    expect(model.reports.size).toBeGreaterThan(5)
  },
)
