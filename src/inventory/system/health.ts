// The health status of the server.

import type { Away } from '../../db/open.ts'
import { readVersion } from '../../lib/program-dir.ts'

/** The sources of the health status. */
export type HealthSources = {
  databaseAnswers: () => Promise<boolean>
  /** The database server has too few connections for this process. */
  databaseIsShort: () => boolean
  /** Why nothing can be changed though the database answers, in words. */
  databaseFault: () => Promise<string | undefined>
  /** Since when the database is unreachable, and the reason; undefined while it answers. */
  databaseAway?: () => Away | undefined
  /** Whether this server can decide what machines boot without the database. */
  decidesAlone?: () => boolean
  /** The records of this server that are not in the database yet. */
  journal?: () => { waitingBytes: number; isAway: boolean; isRefusing: boolean; fault: string | undefined }
  /** Why the disk of the data folder is full; undefined if it has space. */
  diskFault?: () => Promise<string | undefined>
  /** The number of files that are not served because they are corrupted. */
  corruptedFiles?: () => Promise<number | undefined>
}

export const databaseStates = ['ok', 'few connections', 'read-only', 'away'] as const

export type Health = {
  status: 'ok' | 'degraded'
  database: (typeof databaseStates)[number]
  /** The version of this server. */
  version: string
  reason?: string
}

/** Finds whether the database can be read and changed. Machines may boot nevertheless: see readiness.ts. */
export async function findHealth(sources: HealthSources): Promise<Health> {
  const [answers, reason] = await Promise.all([
    sources.databaseAnswers().catch(() => false),
    sources.databaseFault().catch(() => undefined),
  ])
  const version = readVersion()
  const degraded = (database: Health['database']): Health => ({
    status: 'degraded',
    database,
    version,
    ...(reason !== undefined && { reason }),
  })
  if (!answers) return degraded('away')
  if (reason !== undefined) return degraded('read-only')
  if (sources.databaseIsShort()) return degraded('few connections')
  return { status: 'ok', database: 'ok', version }
}
