import { execFileSync } from 'node:child_process'
import type { TestProject } from 'vitest/node'
import { makePostgres, type PostgresCluster } from '../../scripts/servers/postgres-cluster.ts'
import { programDir } from '../../src/lib/program-dir.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL (`postgres://…`) of the server without a database name; undefined if PostgreSQL is not installed. */
    postgresUrl: string | undefined
  }
}

let cluster: PostgresCluster | undefined

/** Starts a PostgreSQL server for the whole run. Also patches its driver, for runs without `npm test`. */
export async function setup(project: TestProject): Promise<void> {
  execFileSync(process.execPath, ['scripts/setup.js', 'dependencies'], { cwd: programDir, stdio: 'inherit' })
  cluster = await makePostgres({ full_page_writes: 'off', synchronous_commit: 'off' })
  if (cluster === undefined) {
    const line = 'PostgreSQL is not installed (Debian: apt-get install postgresql)'
    if (process.env.CI || process.env.REQUIRE_ALL_TESTS) throw new Error(line)
    console.warn(`${line}: the database tests run on the embedded database only`)
  }
  await cluster?.start()
  project.provide('postgresUrl', cluster?.url)
}

/** Stops the server and removes its folder. */
export async function teardown(): Promise<void> {
  await cluster?.remove()
}
