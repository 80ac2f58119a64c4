import { join } from 'node:path'
import { makePostgres, type PostgresCluster } from '../servers/postgres-cluster.ts'
import { type Peer, startBootwright } from './peers.ts'

/** `databasePid` is the main process of PostgreSQL, the parent of its other processes. */
export type Measured = Peer & { tftpPort: number; socket: string; database: string; databasePid: number | undefined }

/**
 * Runs a measurement on a server with an empty PostgreSQL on the same cores, then on one with the embedded database; `nodeOptions` are options of Node.js.
 */
export async function onEachDatabase(
  folder: string,
  measure: (server: Measured) => Promise<void>,
  nodeOptions: string[] = [],
): Promise<void> {
  await onPostgres(folder, measure, nodeOptions)
  const embedded = await startBootwright(join(folder, 'PGlite'), {}, nodeOptions)
  await measure({ ...embedded, database: 'PGlite', databasePid: undefined }).finally(embedded.stop)
}

/** Runs a measurement on a server with an empty PostgreSQL on the same cores. */
export async function onPostgres(
  folder: string,
  measure: (server: Measured, cluster: PostgresCluster) => Promise<void>,
  nodeOptions: string[] = [],
): Promise<void> {
  const cluster = await makePostgres({ full_page_writes: 'off', synchronous_commit: 'off' })
  if (cluster === undefined) throw new Error('PostgreSQL is missing: apt-get install postgresql')
  try {
    await cluster.start()
    const server = await startBootwright(
      join(folder, 'PostgreSQL'),
      { DATABASE_URL: `${cluster.url}/postgres` },
      nodeOptions,
    )
    await measure({ ...server, database: 'PostgreSQL', databasePid: cluster.pid() }, cluster).finally(server.stop)
  } finally {
    await cluster.remove()
  }
}
