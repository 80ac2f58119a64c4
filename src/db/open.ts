import { join } from 'node:path'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { migrate as migratePostgres } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { programDir } from '../paths.ts'
import * as schema from './schema.ts'

/** The database, whichever driver is under it. */
export type Db = PgDatabase<PgQueryResultHKT, typeof schema>

export type OpenDb = {
  db: Db
  close: () => Promise<void>
  /** Why nothing can be changed now, in words; undefined when nothing is known to be wrong. */
  fault: () => string | undefined
}

/** The migrations, in the order of their names, for whichever driver. */
export const migrationsFolder = join(programDir, 'migrations')

// Any number, the same for every instance: whoever holds this advisory lock migrates, the others wait.
const migrationLock = 6_907_508

/** Opens PostgreSQL at `url` and migrates it. Several instances may start at once. */
export async function openPostgres(url: string): Promise<OpenDb> {
  // Our statements are short and many; PostgreSQL takes the batched ones for long, and would compile them for 0.3 s each.
  const quiet = { onnotice: () => {}, connection: { jit: 'off' } }
  const one = postgres(url, { max: 1, ...quiet })
  try {
    await one`select pg_advisory_lock(${migrationLock})`
    await migratePostgres(drizzlePostgres(one), { migrationsFolder })
  } finally {
    await one.end()
  }
  const client = preparing(postgres(url, { max: 10, connect_timeout: 5, ...quiet }))
  return {
    db: drizzlePostgres(client, { schema }) as unknown as Db,
    close: () => client.end({ timeout: 5 }),
    fault: () => undefined,
  }
}

// drizzle asks postgres.js for unnamed statements: each is planned anew, and described in a round trip of its own.
function preparing(client: postgres.Sql): postgres.Sql {
  const unsafe = client.unsafe.bind(client)
  return Object.assign(client, {
    unsafe: ((text, args, options) => unsafe(text, args, { ...options, prepare: true })) as typeof client.unsafe,
  })
}
