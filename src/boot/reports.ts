// Records machines' reports about their boots. Called by routes.ts.
import { redactTokens } from '../lib/log.ts'
import { reports } from '../model/boot.ts'
import type { BootDeps } from './http/deps.ts'
import type { FairTurns } from './http/fair-turns.ts'
import { readReportMessage } from './http/report-message.ts'
import { addressOf, type BootContext } from './http/request.ts'

/**
 * `/b/{token}/{ready,installing,progress,installed,booted,failed}?message=…` by GET or POST: a machine's report about its boot.
 * Debian's iPXE only supports GET. A report is answered when it is durable: in the database, or in the journal on the disk.
 */
export async function takeReport(context: BootContext, deps: BootDeps, inTurn: FairTurns): Promise<Response> {
  const { log, sealer, inventory } = deps
  const report = reports.find((name) => name === context.req.param('report'))
  const token = context.req.param('token') ?? ''
  if (report === undefined) return context.text(`Unknown report: expected one of ${reports.join(', ')}.\n`, 404)
  if (token === 'preview') return context.text('This script was a preview. Its token cannot report.\n', 404)
  const ip = addressOf(context)
  // An installer may report a URL that it failed to fetch. That URL contains the boot's token.
  const message = redactTokens((await readReportMessage(context)) ?? '') || undefined
  const boot = sealer.bootOf(token)
  if (boot === undefined) {
    log.warn({ ip, report, message }, 'report refused: no boot has this token')
    return context.text('No boot here, or the link has expired.\n', 404)
  }
  const recorded = await inTurn(ip, () =>
    inventory.journal.recordReport({ boot_id: boot, seen: report, ip, ...(message !== undefined && { message }) }),
  )
  // A report in the database is logged where it is written, with its boot (inventory/boots/hearers.ts).
  if (recorded === 'kept') log.info({ boot, ip, report, message }, 'report kept until the database answers')
  if (recorded !== 'refused') return context.text('ok\n')
  log.error({ boot, ip, report, message }, 'report not taken: neither the database nor the journal can store it')
  return context.text('The boot server cannot store the report now. Try again later.\n', 503, { 'Retry-After': '5' })
}
