// Refuses a database that a newer program has migrated.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { ConfigError } from '../lib/errors.ts'
import { programDir } from '../lib/program-dir.ts'
import type { Db } from './open.ts'
import { rowsOf } from './rows.ts'

/** This program: its version, and the migrations that it knows. */
type Program = { version: string; migrations: { count: number; newest: number } }

/**
 * Refuses a database that a newer program migrated: this program would misread it, or write what the newer program
 * cannot read.
 * @throws ConfigError that names both versions
 */
export async function refuseNewerDatabase(db: Db, program: Program = thisProgram()): Promise<void> {
  const made = await db.execute(sql`select to_regclass('drizzle.__drizzle_migrations') is not null as made`)
  if (!rowsOf<{ made: boolean }>(made)[0]?.made) return
  const found = await db.execute(
    sql`select count(*)::int as count, coalesce(max(created_at), 0)::text as newest from drizzle.__drizzle_migrations`,
  )
  const { count = 0, newest = '0' } = rowsOf<{ count: number; newest: string }>(found)[0] ?? {}
  if (Number(newest) <= program.migrations.newest) return
  const version = await db
    .execute(sql`select program_version as version from installation`)
    .then((rows) => rowsOf<{ version: string | null }>(rows)[0]?.version ?? undefined)
    .catch(() => undefined)
  throw new ConfigError(
    `the database belongs to Bootwright ${version ?? '(version unknown)'} with ${count} migrations, but this is Bootwright ` +
      `${program.version} with ${program.migrations.count}. Next step: start the newer version, or restore a backup from before the upgrade`,
  )
}

/** Records which program opened the database, for the error of an older one. Writes nothing for the same version, so that a full disk does not matter. */
export async function recordProgram(db: Db): Promise<void> {
  const { version } = thisProgram()
  const found = await db.execute(sql`select 1 from installation where program_version = ${version}`)
  if (rowsOf(found).length === 0) await db.execute(sql`update installation set program_version = ${version}`)
}

function thisProgram(): Program {
  const { version } = JSON.parse(readFileSync(join(programDir, 'package.json'), 'utf8')) as { version: string }
  const journal = readFileSync(join(programDir, 'migrations', 'meta', '_journal.json'), 'utf8')
  const { entries } = JSON.parse(journal) as { entries: { when: number }[] }
  return { version, migrations: { count: entries.length, newest: Math.max(...entries.map(({ when }) => when)) } }
}
