import { afterAll, beforeAll, test } from 'vitest'
import { makePostgres } from '../../scripts/servers/postgres-cluster.ts'
import { type DatabaseFault, databaseFaults } from '../helpers/database-faults.ts'
import { type OutageSite, openOutageSite } from '../helpers/outage-site.ts'
import { roundsOf, seeded } from '../helpers/seeded.ts'

const random = seeded('outages')
let site: OutageSite
beforeAll(async () => {
  const postgres = await makePostgres({ max_connections: '40' })
  if (postgres === undefined) throw new Error('PostgreSQL is not installed (Debian: apt-get install postgresql)')
  site = await openOutageSite(postgres, random)
})
afterAll(() => site?.close())

test('machines boot and install during faults of PostgreSQL in any order and of any length, and nothing is lost', async () => {
  for (let round = 0; round < roundsOf(20); round++) {
    const fault = random.pick(Object.keys(databaseFaults) as DatabaseFault[])
    await site.installDuring(fault, { machines: random.between(5, 60), faultMs: random.between(500, 15_000) })
  }
})
