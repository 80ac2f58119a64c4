import { redactTokens } from '../lib/log.ts'
import { reports } from '../model/boot.ts'
import type { FairTurns } from './http/fair-turns.ts'
import { readReportMessage } from './http/report-message.ts'
import { addressOf, type BootContext, isToken } from './http/request.ts'
import { recordInOrder } from './http/settle.ts'
import type { BootDeps } from './routes.ts'

/**
 * `/b/{token}/{ready,installing,progress,installed,booted,failed}?message=…` by GET or POST: what the machine itself says of its
 * boot. iPXE of Debian can only GET. A report is written before it is answered.
 */
export async function takeReport(
  c: BootContext,
  deps: BootDeps,
  inTurn: FairTurns = (_, work) => work(),
): Promise<Response> {
  const { log } = deps
  const report = reports.find((one) => one === c.req.param('report'))
  const token = c.req.param('token') ?? ''
  if (report === undefined) return c.text(`Unknown report: expected one of ${reports.join(', ')}.\n`, 404)
  if (token === 'preview') return c.text('This script was a preview: its token opens nothing.\n', 404)
  const ip = addressOf(c)
  // What an installer reports may be the URL that it failed to fetch: that has the boot's token in it.
  const message = redactTokens((await readReportMessage(c)) ?? '') || undefined
  const known = isToken(token) && (await inTurn(ip, () => recordInOrder(deps, token, report, ip, message)))
  log[known ? 'info' : 'warn']({ ip, report, message, known }, 'report')
  return known ? c.text('ok\n') : c.text('This token opens no boot, or its boot is too long ago.\n', 404)
}
