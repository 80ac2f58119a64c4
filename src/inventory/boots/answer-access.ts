// Which boot a token opens, and whether it may read its answers.

import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { AnswerDocument } from '../../model/answer-file.ts'
import type { Outcome } from '../../model/boot.ts'
import type { Decision, Situation } from '../../model/decision.ts'
import type { Facts } from '../../model/facts.ts'
import { isOvertaken } from './boots.ts'

/** The boot that a token opens. */
export type TokenBoot = {
  id: string
  ip: string
  outcome: Outcome | null
  facts: Facts
  decision: Decision
  /** The machine has booted again since. */
  overtaken: boolean
}

/** A token is valid for this time after the script; an installation may take a day. */
export const tokenLifetime = sql`interval '48 hours'`

/**
 * Finds the newest open boot with an answer file of a machine with one of these MACs, or without a MAC, with one of these UUIDs.
 * A boot whose script went to this address comes first: a stranger's boot must not hide the machine's.
 */
export async function findAnsweredBoot(
  db: Db,
  { macs, uuids }: { macs: string[]; uuids: string[] },
  ip: string,
): Promise<TokenBoot | undefined> {
  const found = await db.execute(sql`
    select id, ip, outcome, facts, decision, ${isOvertaken} as overtaken
    from boots
    where started_at > now() - ${tokenLifetime} and decision ? 'answerFile' and not ${isOvertaken}
      and (outcome is null or outcome in ('stalled', 'superseded'))
      and (mac in (select jsonb_array_elements_text(${JSON.stringify(macs)}::jsonb))
        or mac is null and lower(facts ->> 'uuid') in (select jsonb_array_elements_text(${JSON.stringify(uuids)}::jsonb)))
    order by ip = ${ip} desc, seq desc limit 1`)
  return rowsOf<TokenBoot>(found)[0]
}

/** Finds the boot of a genuine token. */
export async function findTokenBoot(db: Db, bootId: string): Promise<TokenBoot | undefined> {
  const found = await db.execute(sql`
    select id, ip, outcome, facts, decision, ${isOvertaken} as overtaken
    from boots where id = ${bootId}::uuid`)
  return rowsOf<TokenBoot>(found)[0]
}

/**
 * Why a token does not open its boot's answers to an address; undefined if it does. Answers contain secrets, so only the machine
 * that fetched the script gets them, while the boot continues.
 */
export function whyNoAnswers(boot: TokenBoot, ip: string, anyAddress: boolean): string | undefined {
  const { outcome } = boot
  if (outcome === 'installed' || outcome === 'booted' || outcome === 'failed' || outcome === 'handed-over')
    return `the boot has ended: ${outcome}`
  if (boot.overtaken) return 'the machine has booted again since then'
  return anyAddress || boot.ip === ip ? undefined : `the script was fetched from another address, ${boot.ip}`
}

/** The current documents of a decision's answer file. */
export function documentsOf({ answerFile }: Decision, { catalog }: Situation): AnswerDocument[] {
  return answerFile === undefined ? [] : (catalog.answerFiles.get(answerFile.name)?.documents ?? [])
}

/** The names of the secrets that a decision's machine may use: its own and those of its groups. */
export function secretNamesOf(decision: Decision, { secrets }: Situation): string[] {
  return [...secrets.machine, ...decision.groups.flatMap((name) => secrets.groups[name] ?? [])]
}
