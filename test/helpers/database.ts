import { randomBytes } from 'node:crypto'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, inject } from 'vitest'
import type { Db, OpenDb } from '../../src/db/open.ts'
import { openEmbedded } from '../../src/db/open-embedded.ts'
import { openPostgres } from '../../src/db/postgres/open-postgres.ts'
import { readTemplate } from './embedded-template.ts'

/**
 * Runs a suite on each database: the embedded database in memory, and a new database of a real PostgreSQL server. Each
 * test starts with empty tables. `database()` returns the open database inside a test.
 */
export function eachDatabase(title: string, define: (database: () => Db) => void): void {
  for (const [name, open] of databases()) {
    describe(`${title} (${name})`, () => {
      let opened: OpenDb
      beforeAll(async () => {
        opened = await open()
      })
      afterAll(() => opened?.close())
      beforeEach(() => emptyTables(opened.db))
      define(() => opened.db)
    })
  }
}

function databases(): [string, () => Promise<OpenDb>][] {
  const url = inject('postgresUrl')
  const embedded: [string, () => Promise<OpenDb>] = ['embedded', openTestDatabase]
  return url === undefined ? [embedded] : [embedded, ['PostgreSQL', () => openFresh(url)]]
}

/** Opens an empty, migrated embedded database in memory, in a fraction of the time of a first start. */
export function openTestDatabase(): Promise<OpenDb> {
  return openEmbedded(undefined, { contents: readTemplate(inject('embeddedTemplate')) })
}

/** Puts an empty, migrated embedded database into the data folder of a server. */
export function putTestDatabase(dataDir: string): void {
  cpSync(join(inject('embeddedTemplate'), 'database'), join(dataDir, 'database'), { recursive: true })
}

async function openFresh(url: string): Promise<OpenDb> {
  return openPostgres(await createFresh(url))
}

/** Makes a new database on a server, and returns its URL. */
export async function createFresh(url: string): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  const server = postgres(`${url}/postgres`, { max: 1 })
  await server.unsafe(`create database ${name}`)
  await server.end()
  return `${url}/${name}`
}

const tables =
  `machines machine_macs machine_merges machine_sources archived_machines identity_claims conflicts groups menus answer_files answer_file_versions secrets
  files images image_versions imports deployments batch_others rollouts rollout_machines boots boot_events policies changes webhooks webhook_deliveries
  folder_things idempotency_keys tokens foreign_servers password_links sessions people sign_in_failures`.split(/\s+/)

// DELETE, not TRUNCATE: TRUNCATE makes new files for each table and index, and takes ten times as long for a few rows.
async function emptyTables(db: Db): Promise<void> {
  const deletes = tables.map((table) => `delete from ${table};`).join(' ')
  await db.execute(sql.raw(`do $$ begin ${deletes} end $$`))
}
