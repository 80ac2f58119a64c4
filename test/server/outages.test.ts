import { afterAll, beforeAll, describe, test, vi } from 'vitest'
import { makePostgres, type PostgresCluster } from '../../scripts/servers/postgres-cluster.ts'
import { type DatabaseFault, databaseFaults } from '../helpers/database-faults.ts'
import { type OutageSite, openOutageSite } from '../helpers/outage-site.ts'
import { seeded } from '../helpers/seeded.ts'

// Each fault of a real PostgreSQL, in the middle of installations of simulated machines.

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const postgres = await makePostgres({ max_connections: '40' })

describe.runIf(postgres !== undefined)('machines boot and install while PostgreSQL is', () => {
  let site: OutageSite
  beforeAll(async () => {
    site = await openOutageSite(postgres as PostgresCluster, seeded('outages'))
  })
  afterAll(() => site?.close())

  test.each(Object.keys(databaseFaults) as DatabaseFault[])('%s', (fault) =>
    site.installDuring(fault, { machines: 12, faultMs: 5000 }),
  )
})
