// Records reports as the server does, for tests.

import type { Db } from '../../src/db/open.ts'
import { createRecordReport, type RecordReport } from '../../src/inventory/boots/reports.ts'

/** Records one report, in a transaction of its own. */
export function recordReport(db: Db, ...report: Parameters<RecordReport>): Promise<boolean> {
  return createRecordReport(db)(...report)
}
