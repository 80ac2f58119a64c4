// The readiness of the server: whether it can decide what machines boot, and what is degraded. Both listeners serve it.

import { readVersion } from '../../lib/program-dir.ts'
import type { HealthSources } from './health.ts'

export const degradations = [
  'database-unreachable',
  'database-read-only',
  'few-connections',
  'journal-waiting',
  'journal-refusing',
  'disk-full',
  'corrupted-files',
] as const

/** One reason why the server works with limits. */
export type Degradation = {
  reason: (typeof degradations)[number]
  /** The reason in words, with numbers and paths. */
  detail: string
  since?: Date
}

export type Readiness = {
  /** `unready`: the server cannot decide what machines boot. `degraded`: it can, with the limits in `degraded`. */
  status: 'ready' | 'degraded' | 'unready'
  degraded: Degradation[]
  /** The version of this server. */
  version: string
}

/** Records that wait for longer than a batch takes are worth a line. */
const manyBytes = 2 ** 20

/** Finds what is degraded; `code` is the HTTP status. */
export async function findReadiness(sources: HealthSources): Promise<{ code: 200 | 503; readiness: Readiness }> {
  const [answers, fault, diskFault, corrupted] = await Promise.all([
    sources.databaseAnswers().catch(() => false),
    sources.databaseFault().catch(() => undefined),
    sources.diskFault?.().catch(() => undefined),
    sources.corruptedFiles?.().catch(() => undefined),
  ])
  const degraded = [
    ...databaseDegradations(sources, answers, fault),
    ...journalDegradations(sources),
    ...(diskFault === undefined ? [] : [{ reason: 'disk-full' as const, detail: diskFault }]),
    ...(corrupted ? [{ reason: 'corrupted-files' as const, detail: `${corrupted} files are not served` }] : []),
  ]
  const isReady = answers || sources.decidesAlone?.() === true
  const status = !isReady ? 'unready' : degraded.length > 0 ? 'degraded' : 'ready'
  return { code: isReady ? 200 : 503, readiness: { status, degraded, version: readVersion() } }
}

function databaseDegradations(sources: HealthSources, answers: boolean, fault: string | undefined): Degradation[] {
  const away = sources.databaseAway?.()
  if (away !== undefined) return [{ reason: 'database-unreachable', detail: away.reason, since: away.since }]
  if (!answers) return [{ reason: 'database-unreachable', detail: 'no answer within 2 s' }]
  if (fault !== undefined) return [{ reason: 'database-read-only', detail: fault }]
  if (!sources.databaseIsShort()) return []
  return [{ reason: 'few-connections', detail: 'the database server has too few connections for this server' }]
}

function journalDegradations(sources: HealthSources): Degradation[] {
  const journal = sources.journal?.()
  if (journal === undefined) return []
  const { isRefusing, isAway, waitingBytes, fault } = journal
  if (isRefusing)
    return [{ reason: 'journal-refusing', detail: fault ?? `the journal is full: ${waitingBytes} bytes wait` }]
  if (waitingBytes < (isAway ? 1 : manyBytes)) return []
  return [{ reason: 'journal-waiting', detail: `${waitingBytes} bytes of records wait for the database` }]
}
