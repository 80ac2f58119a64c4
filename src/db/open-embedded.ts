import { mkdir } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { type Db, migrationsFolder, type OpenDb } from './open.ts'
import * as schema from './schema.ts'

/** How long statements of the embedded database may follow each other without a turn of the event loop. */
const turnMs = 5

// PGlite works in our own thread, and by itself has no turn of the event loop between statements as long as any wait. Node
// takes one new connection a turn, so that machines of a storm would wait for minutes to be let in.
function yielding(client: PGlite): PGlite {
  const exclusively = client._runExclusiveQuery.bind(client)
  let turnedAt = 0
  return Object.assign(client, {
    _runExclusiveQuery: <T>(work: () => Promise<T>) =>
      exclusively(async () => {
        if (performance.now() - turnedAt > turnMs) {
          await new Promise((resolve) => setImmediate(resolve))
          turnedAt = performance.now()
        }
        return work()
      }),
  })
}

/** Opens the embedded database in a folder, or in memory when none is named, and migrates it. One process at a time. */
export async function openEmbedded(folder?: string): Promise<OpenDb> {
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 })
  const client = yielding(await PGlite.create(folder))
  const db = drizzle(client, { schema })
  await migrate(db, { migrationsFolder })
  return { db: db as unknown as Db, close: () => client.close() }
}
