// Records reports as the journal does, for tests.
import type { Db } from '../../src/db/open.ts'
import { hearReports, type Sighting, writeReports } from '../../src/inventory/boots/reports.ts'
import type { Seen } from '../../src/model/deployment.ts'
import { testSealer } from './boots.ts'

/** Records one report, in a transaction of its own. False if no boot has the token. */
export async function recordReport(
  db: Db,
  token: string,
  seen: Seen,
  ip: string,
  message: string | undefined,
): Promise<boolean> {
  const bootId = testSealer.bootOf(token)
  if (bootId === undefined) return false
  return (await recordReports(db, [{ bootId, seen, ip, message, ageMs: 0 }])).length > 0
}

/** Records reports in one transaction. Returns those whose boot is recorded. */
export async function recordReports(db: Db, list: Sighting[]): Promise<Sighting[]> {
  const result = await db.transaction((tx) => writeReports(tx, list))
  await hearReports(db, result, {})
  return list.filter((sighting) => !result.unknown.includes(sighting))
}
