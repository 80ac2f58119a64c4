import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { setup, teardown } from '../../test/helpers/postgres-server.ts'
import { type Peer, startBootwright } from './peers.ts'

/** `databasePid` is PostgreSQL's own process, the parent of all of its others. */
export type Measured = Peer & { tftpPort: number; socket: string; database: string; databasePid: number | undefined }

/**
 * Runs a measurement on a server with an empty PostgreSQL on the same cores, then on one with the embedded database; `nodeOptions`
 * are for node itself.
 */
export async function onEachDatabase(
  folder: string,
  measure: (server: Measured) => Promise<void>,
  nodeOptions: string[] = [],
): Promise<void> {
  let url: string | undefined
  const provide = (_: string, value: string | undefined) => {
    url = value
  }
  await setup({ provide } as unknown as Parameters<typeof setup>[0])
  if (url === undefined) throw new Error('PostgreSQL is needed for this: apt-get install postgresql')
  const name = `bench_${randomBytes(4).toString('hex')}`
  const admin = postgres(`${url}/postgres`, { max: 1 })
  await admin.unsafe(`create database ${name}`)
  const [backend] = await admin<{ pid: number }[]>`select pg_backend_pid() as pid`
  const databasePid = parentOf(backend?.pid as number)
  await admin.end()
  try {
    for (const [database, own, pid] of [
      ['PostgreSQL', { DATABASE_URL: `${url}/${name}` }, databasePid],
      ['PGlite', {}, undefined],
    ] as const) {
      const server = await startBootwright(join(folder, database), own, nodeOptions)
      await measure({ ...server, database, databasePid: pid }).finally(server.stop)
    }
  } finally {
    await teardown()
  }
}

/** The fourth field of /proc/PID/stat (proc(5)), after the name in brackets. */
function parentOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')
  return Number(fields.split(' ')[1])
}
