// Boots of tokens and what answer files need, from the database or from the roster. Called by inventory/open.ts.
import type { Db } from '../../db/open.ts'
import { DatabaseTimeoutError, isOutage } from '../../lib/outage.ts'
import type { Sealer } from '../../lib/seal.ts'
import { inTime } from '../../lib/time/in-time.ts'
import type { AnswerDocument } from '../../model/answer-file.ts'
import type { Decision } from '../../model/decision.ts'
import { findAnsweredBoot, findTokenBoot, type TokenBoot } from '../boots/answer-access.ts'
import { findAnswerDocuments } from '../images/answer-files.ts'
import { findSealed, openSealed } from '../machines/secrets.ts'
import type { RosterBoot } from '../roster/boots.ts'
import type { Roster } from '../roster/roster.ts'
import type { Journal } from './open-journal.ts'

export type TokenBoots = {
  /** The boot of a genuine token; undefined if it is not recorded. @throws an outage error if the database is needed and away */
  findTokenBoot: (bootId: string) => Promise<TokenBoot | undefined>
  /** The boot whose answer file a machine with a fixed URL gets. */
  findAnsweredBoot: (keys: { macs: string[]; uuids: string[] }, ip: string) => Promise<TokenBoot | undefined>
  /** The documents of a decision's answer file, in the version of the decision; empty without an answer file. */
  findDocuments: (decision: Pick<Decision, 'answerFile'>) => Promise<AnswerDocument[]>
  /** The secrets of a decision's machine and its groups, in clear. */
  openSecrets: (sealer: Sealer, decision: Pick<Decision, 'machine' | 'groups'>) => Promise<Record<string, string>>
}

/** Look-ups that wait for the database for `waitMs` at most, and then use the roster. */
export function createTokenBoots(
  db: Db,
  roster: Roster,
  journal: Pick<Journal, 'settle' | 'settleBoot'>,
  waitMs: number,
): TokenBoots {
  /** The database's answer; `away` if it does not come in time. */
  const ask = async <T>(look: () => Promise<T>): Promise<{ answer: T } | 'away'> => {
    if (roster.away() !== undefined) return 'away'
    const looking = look().then(
      (answer) => ({ answer }),
      (error: unknown) => {
        if (isOutage(error)) return 'away' as const
        throw error
      },
    )
    return (await inTime(looking, waitMs)) ?? 'away'
  }
  return {
    findTokenBoot: async (bootId) => {
      // Earlier records of this boot may be on their way to the database.
      const asked = await ask(async () => {
        await journal.settleBoot(bootId, waitMs)
        return findTokenBoot(db, bootId)
      })
      const local = roster.findBoot(bootId)
      if (asked === 'away' && local === undefined) throw unreachable()
      return asked === 'away' || asked.answer === undefined ? local : withLocal(asked.answer, local)
    },
    findAnsweredBoot: async (keys, ip) => {
      const asked = await ask(async () => {
        await journal.settle(waitMs)
        return findAnsweredBoot(db, keys, ip)
      })
      if (asked === 'away') return roster.findAnswered(keys, ip)
      return asked.answer && withLocal(asked.answer, roster.findBoot(asked.answer.id))
    },
    findDocuments: async ({ answerFile }) => {
      if (answerFile === undefined) return []
      const { name, version } = answerFile
      const asked = await ask(() => findAnswerDocuments(db, name, version))
      if (asked !== 'away') return asked.answer ?? []
      const documents = roster.answerDocuments(name, version)
      if (documents === undefined) throw unreachable()
      return documents
    },
    openSecrets: async (sealer, { machine, groups }) => {
      const asked = await ask(() => findSealed(db, machine?.id, groups))
      const sealed = asked === 'away' ? roster.sealedSecrets(machine?.id, groups) : asked.answer
      return openSealed(sealer, sealed, groups)
    },
  }
}

/** The client retries later. */
function unreachable(): DatabaseTimeoutError {
  return new DatabaseTimeoutError('the database is unreachable, and this server does not know the boot')
}

/** A report that is only in the journal has ended the boot already. */
function withLocal(recorded: TokenBoot, local: RosterBoot | undefined): TokenBoot {
  if (local === undefined) return recorded
  const isEnded = local.outcome === 'installed' || local.outcome === 'booted' || local.outcome === 'failed'
  return {
    ...recorded,
    outcome: isEnded ? local.outcome : recorded.outcome,
    overtaken: recorded.overtaken || local.overtaken,
  }
}
