import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import type { TestProject } from 'vitest/node'
import { migrationsFolder } from '../../src/db/open.ts'
import { openEmbedded } from '../../src/db/open-embedded.ts'
import { programDir } from '../../src/lib/program-dir.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder that `makeEmbeddedTemplate` returns. */
    embeddedTemplate: string
  }
}

// initdb and the migrations take seconds of CPU for each database. The result is always the same, so tests copy it.
const cache = join(programDir, 'node_modules', '.cache', 'bootwright-test')

/** Makes the template once for the whole run. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('embeddedTemplate', await makeEmbeddedTemplate())
}

/**
 * Makes an empty, migrated embedded database, once for each state of the migrations and each version of PGlite. Returns a
 * folder with the database as a folder for a server (`database`) and as an archive for memory (`database.tar`).
 */
async function makeEmbeddedTemplate(): Promise<string> {
  const folder = join(cache, fingerprint())
  if (existsSync(folder)) return folder
  rmSync(cache, { recursive: true, force: true })
  const draft = `${folder}.${process.pid}`
  const { close } = await openEmbedded(join(draft, 'database'), { durable: false })
  await close()
  writeFileSync(join(draft, 'database.tar'), await archive(join(draft, 'database')))
  try {
    renameSync(draft, folder)
  } catch {
    // Another run was faster.
    rmSync(draft, { recursive: true })
  }
  return folder
}

let bytes: Buffer | undefined

/** The template, for an embedded database in memory; read once by each process. */
export function readTemplate(template: string): Blob {
  bytes ??= readFileSync(join(template, 'database.tar'))
  // The bytes as they are: a Blob of Node would copy them several times, slowly.
  return Object.assign(new Blob([]), { arrayBuffer: async () => bytes as unknown as ArrayBuffer })
}

async function archive(database: string): Promise<Buffer> {
  const client = await PGlite.create({ dataDir: database })
  try {
    return Buffer.from(await (await client.dumpDataDir('none')).arrayBuffer())
  } finally {
    await client.close()
  }
}

function fingerprint(): string {
  const hash = createHash('sha256')
  const files = readdirSync(migrationsFolder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort()
  for (const path of [...paths, join(programDir, 'node_modules/@electric-sql/pglite/package.json')])
    hash.update(readFileSync(path)).update('\0')
  return hash.digest('hex').slice(0, 16)
}
