// The model's rules about deployments, in SQL.

import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { activeStates, maxArmedDays } from '../model/deployment.ts'

const states = sql.raw(activeStates.map((state) => `'${state}'`).join(', '))

/** `isActive` of the model, in SQL. @param state a deployment's state */
export function isActiveSql(state: SQLWrapper): SQL {
  return sql`${state} in (${states})`
}

/** Whether a deployment's time is over. @param deployment its table, or what a statement calls it @param at the time to compare */
export function isLateSql(deployment: SQLWrapper, at: SQL = sql`now()`): SQL<boolean> {
  return sql`coalesce(${deployment}.started_at + ${deployment}.window_seconds * interval '1 second',
    ${deployment}.created_at + ${maxArmedDays} * interval '1 day') < ${at}`
}

/**
 * Whether servers answer a boot from memory while the database is away: it installs or has an answer file, and has not ended.
 * @param boot its table, or what a statement calls it
 */
export function isAnsweredSql(boot: SQLWrapper): SQL {
  return sql`(${boot}.deployment_id is not null or ${boot}.decision ? 'answerFile')
    and (${boot}.outcome is null or ${boot}.outcome in ('stalled', 'superseded'))`
}
