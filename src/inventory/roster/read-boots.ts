// Reads from the database the boots that are answered from memory while it is away. Called by roster.ts.

import { sql } from 'drizzle-orm'
import { isAnsweredSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { boots } from '../../db/schema/boots.ts'
import type { AnswerDocument } from '../../model/answer-file.ts'
import { tokenLifetime } from '../boots/answer-access.ts'
import { isOvertaken } from '../boots/boots.ts'
import type { RosterBoot } from './boots.ts'

const columns = sql`id, ip, machine_id as "machineId", deployment_id as "deploymentId", image, mac, outcome, progressed, facts, decision,
  (extract(epoch from started_at) * 1000)::float8 as "startedMs", ${isOvertaken} as overtaken`

type Row = Omit<RosterBoot, 'startedAt'> & { startedMs: number }

const bootOf = ({ startedMs, ...boot }: Row): RosterBoot => ({ ...boot, startedAt: new Date(startedMs) })

/** The newest boots that have not ended, the oldest first. */
export async function listAnsweredBoots(db: Db, max: number): Promise<RosterBoot[]> {
  const rows = await db.execute(sql`
    select ${columns} from boots where ${isAnsweredSql(boots)} and started_at > now() - ${tokenLifetime}
    order by seq desc limit ${max}::int`)
  return rowsOf<Row>(rows).map(bootOf).reverse()
}

/** These boots, also after their end: the token of an ended boot is no longer valid. */
export async function listRosterBoots(db: Db, ids: string[]): Promise<RosterBoot[]> {
  const rows = await db.execute(sql`
    select ${columns} from boots where started_at > now() - ${tokenLifetime}
      and id = any(array(select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)))
    order by seq`)
  return rowsOf<Row>(rows).map(bootOf)
}

type Version = { name: string; version: number }

/** The documents of versions of answer files. */
export async function listDocuments(
  db: Db,
  versions: Version[],
): Promise<(Version & { documents: AnswerDocument[] })[]> {
  const rows = await db.execute(sql`
    select v.answer_file as name, v.version, v.documents
    from jsonb_to_recordset(${JSON.stringify(versions)}::jsonb) as asked(name text, version int)
    join answer_file_versions as v on v.answer_file = asked.name and v.version = asked.version`)
  return rowsOf<Version & { documents: AnswerDocument[] }>(rows)
}
