// The conditions of selectors in SQL, so that the database reads few machines that do not match.

import { type SQL, sql } from 'drizzle-orm'
import { machines } from '../../../db/schema/machines.ts'
import { parseMac } from '../../../lib/ids/mac.ts'
import { type Condition, canonicalMacPrefix, type SelectorFact } from '../../../model/selector.ts'

/** A condition on the columns of machine_search, and one on the columns of machines. Both must hold. */
export type Split = { narrow?: SQL | undefined; wide?: SQL | undefined }

/** A text as a part of a pattern of LIKE, where it matches itself. */
export function likeText(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&')
}

/** Whether a machine has exactly this line in its traits. */
export function hasTrait(trait: string): SQL {
  return sql`traits like ${`%\n${likeText(trait)}\n%`}`
}

/** Holds for each machine that fulfils the condition, and perhaps for others. */
export function splitCondition(condition: Condition): Split {
  const fact = 'fact' in condition ? condition.fact : undefined
  if (fact === undefined && 'equals' in condition)
    return { narrow: hasTrait(`label.${(condition as { label: string }).label}=${condition.equals}`) }
  if (fact === 'mac') return { narrow: hasMac(condition) }
  if (fact === 'arch' || fact === 'platform')
    return 'equals' in condition ? { narrow: hasTrait(`${fact}=${condition.equals}`) } : {}
  if ((fact === 'product' || fact === 'manufacturer') && 'equals' in condition)
    return { narrow: hasTrait(`fact.${fact}=${condition.equals}`) }
  const value =
    fact === undefined ? sql`${machines.labels} ->> ${(condition as { label: string }).label}` : keptValue(fact)
  return { wide: passes(condition, fact, value) }
}

function passes(condition: Condition, fact: SelectorFact | undefined, value: SQL): SQL {
  if ('exists' in condition) return condition.exists ? sql`${value} is not null` : sql`${value} is null`
  // UUIDs have two byte orders, and other spellings.
  if ('cidr' in condition || fact === 'uuid') return sql`${value} is not null`
  const isFolded = fact === 'hostname' || fact === 'ip'
  const compared = isFolded ? sql`lower(${value})` : value
  const spelled = (text: string) => (isFolded ? text.toLowerCase() : text)
  if ('equals' in condition) return sql`${compared} = ${spelled(condition.equals)}`
  if ('in' in condition) return sql`${compared} in ${listOf(condition.in.map(spelled))}`
  if ('prefix' in condition) return sql`starts_with(${compared}, ${spelled(condition.prefix)})`
  return sql`${compared} like ${likeOf(spelled(condition.glob))}`
}

function hasMac(condition: Condition): SQL {
  const some = (test: SQL) => sql`machine_id in (select a.machine_id from machine_macs as a where ${test})`
  if ('exists' in condition) return condition.exists ? some(sql`true`) : sql`not ${some(sql`true`)}`
  const spelled = (text: string) => parseMac(text) ?? text.toLowerCase()
  if ('equals' in condition) return some(sql`a.mac = ${spelled(condition.equals)}`)
  if ('in' in condition) return some(sql`a.mac in ${listOf(condition.in.map(spelled))}`)
  if ('prefix' in condition) return some(sql`starts_with(a.mac, ${canonicalMacPrefix(condition.prefix)})`)
  return 'glob' in condition ? some(sql`a.mac like ${likeOf(condition.glob.toLowerCase())}`) : some(sql`true`)
}

/** The value that `subjectOf` gives a machine that reports nothing now. */
function keptValue(fact: Exclude<SelectorFact, 'mac' | 'arch' | 'platform'>): SQL {
  const reported = sql`${machines.facts} ->> ${fact}`
  return fact === 'manufacturer' || fact === 'ip' ? reported : sql`coalesce(${machines[fact]}, ${reported})`
}

function listOf(values: string[]): SQL {
  return sql`(select jsonb_array_elements_text(${JSON.stringify(values)}::jsonb))`
}

function likeOf(glob: string): string {
  return likeText(glob).replaceAll('*', '%').replaceAll('?', '_')
}
