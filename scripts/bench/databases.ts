import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import postgres from 'postgres'
import { setup, teardown } from '../../test/helpers/postgres-server.ts'
import { type Peer, startBootwright } from './peers.ts'

export type Measured = Peer & { socket: string; database: string }

/** Runs a measurement on a server with an empty PostgreSQL on the same cores, then on one with the embedded database. */
export async function onEachDatabase(folder: string, measure: (server: Measured) => Promise<void>): Promise<void> {
  let url: string | undefined
  const provide = (_: string, value: string | undefined) => {
    url = value
  }
  await setup({ provide } as unknown as Parameters<typeof setup>[0])
  if (url === undefined) throw new Error('PostgreSQL is needed for this: apt-get install postgresql')
  const name = `bench_${randomBytes(4).toString('hex')}`
  const admin = postgres(`${url}/postgres`, { max: 1 })
  await admin.unsafe(`create database ${name}`)
  await admin.end()
  try {
    for (const [database, env] of [
      ['PostgreSQL', { DATABASE_URL: `${url}/${name}` }],
      ['PGlite', {}],
    ] as const) {
      const server = await startBootwright(join(folder, database), env)
      await measure({ ...server, database }).finally(server.stop)
    }
  } finally {
    await teardown()
  }
}
