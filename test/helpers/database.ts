import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, inject } from 'vitest'
import { type Db, type OpenDb, openPostgres } from '../../src/db/open.ts'
import { openEmbedded } from '../../src/db/open-embedded.ts'

/**
 * The same suite on every database there is: the embedded one in memory, and a new database of a real PostgreSQL
 * server. Each test starts with empty tables; `database()` is the open database inside a test.
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
  const embedded: [string, () => Promise<OpenDb>] = ['embedded', () => openEmbedded()]
  return url === undefined ? [embedded] : [embedded, ['PostgreSQL', () => openFresh(url)]]
}

async function openFresh(url: string): Promise<OpenDb> {
  return openPostgres(await createFresh(url))
}

/** Makes a new database on a server; gives its URL. */
export async function createFresh(url: string): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  const server = postgres(`${url}/postgres`, { max: 1 })
  await server.unsafe(`create database ${name}`)
  await server.end()
  return `${url}/${name}`
}

async function emptyTables(db: Db): Promise<void> {
  await db.execute(
    sql`truncate machines, machine_macs, machine_merges, identity_claims, conflicts, groups, menus, answer_files, answer_file_versions, secrets,
      files, images, image_versions, imports, deployments, boots, boot_events, policies, changes, webhooks, webhook_deliveries,
      idempotency_keys, tokens`,
  )
}
