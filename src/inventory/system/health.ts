// The health status of the server.

import { readVersion } from '../../lib/program-dir.ts'

/** The sources of the health status. */
export type HealthSources = {
  databaseAnswers: () => Promise<boolean>
  /** The database server has too few connections for this process. */
  databaseIsShort: () => boolean
  /** Why nothing can be changed though the database answers, in words. */
  databaseFault: () => Promise<string | undefined>
}

export const databaseStates = ['ok', 'few connections', 'read-only', 'away'] as const

export type Health = {
  status: 'ok' | 'degraded'
  database: (typeof databaseStates)[number]
  /** The version of this server. */
  version: string
  reason?: string
}

/** Finds whether the server works fully; `code` is the HTTP status. */
export async function findHealth(sources: HealthSources): Promise<{ code: 200 | 503; health: Health }> {
  const answers = await sources.databaseAnswers().catch(() => false)
  const reason = await sources.databaseFault().catch(() => undefined)
  const version = readVersion()
  const degraded = (code: 200 | 503, database: Health['database']) => ({
    code,
    health: { status: 'degraded' as const, database, version, ...(reason !== undefined && { reason }) },
  })
  if (!answers) return degraded(503, 'away')
  if (reason !== undefined) return degraded(503, 'read-only')
  if (sources.databaseIsShort()) return degraded(200, 'few connections')
  return { code: 200, health: { status: 'ok', database: 'ok', version } }
}
