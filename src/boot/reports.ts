// Records machines' reports about their boots. Called by routes.ts.
import { isToken } from '../inventory/access/tokens.ts'
import { redactTokens } from '../lib/log.ts'
import { reports } from '../model/boot.ts'
import type { BootDeps } from './http/deps.ts'
import type { FairTurns } from './http/fair-turns.ts'
import { readReportMessage } from './http/report-message.ts'
import { addressOf, type BootContext } from './http/request.ts'
import { recordInOrder } from './http/settle.ts'

/**
 * `/b/{token}/{ready,installing,progress,installed,booted,failed}?message=…` by GET or POST: a machine's report about its boot.
 * Debian's iPXE only supports GET. A report is written before it is answered.
 */
export async function takeReport(context: BootContext, deps: BootDeps, inTurn: FairTurns): Promise<Response> {
  const { log } = deps
  const report = reports.find((name) => name === context.req.param('report'))
  const token = context.req.param('token') ?? ''
  if (report === undefined) return context.text(`Unknown report: expected one of ${reports.join(', ')}.\n`, 404)
  if (token === 'preview') return context.text('This script was a preview. Its token cannot report.\n', 404)
  const ip = addressOf(context)
  // An installer may report a URL that it failed to fetch. That URL contains the boot's token.
  const message = redactTokens((await readReportMessage(context)) ?? '') || undefined
  const accepted = isToken(token) && (await inTurn(ip, () => recordInOrder(deps, token, report, ip, message)))
  // An accepted report is logged where it is recorded, with its boot (inventory/boots/reports.ts).
  if (!accepted) log.warn({ ip, report, message }, 'report refused: no boot has this token')
  return accepted ? context.text('ok\n') : context.text('No boot here, or the link has expired.\n', 404)
}
