// The script that opens an iSCSI target. Called by routes.ts.
import { openSecrets } from '../inventory/machines/secrets.ts'
import { InputError } from '../lib/errors.ts'
import type { Decision } from '../model/decision.ts'
import { documentsFor, openForSecrets, whoIs } from './answer-files.ts'
import type { BootDeps } from './http/deps.ts'
import { type BootContext, baseUrlOf } from './http/request.ts'
import { recordInOrder } from './http/settle.ts'

/**
 * `/b/{token}/san.ipxe`: the script that opens a boot's iSCSI target with the CHAP passwords of its machine, guarded as answer
 * files are. A password that iPXE cannot be given comes out as a script that says so, and the boot has failed.
 */
export async function serveSan(context: BootContext, deps: BootDeps): Promise<Response> {
  const { db, sealer, scripts, inventory, log, settings } = deps
  const opened = await openForSecrets(context, deps, 'san.ipxe')
  if (opened instanceof Response) return opened
  const { boot, token, ip } = opened
  const { id, facts, decision } = boot
  const { spec, machine, groups } = decision
  if (spec.kind !== 'sanboot' || !('target' in spec))
    return context.text('This boot is from no storage network.\n', 404)

  const documents = (await documentsFor(deps, decision)).map(({ name }) => name)
  const base = baseUrlOf(context, settings.baseUrl)
  const namesContext = { facts, base, boot: { id, token }, after: settings.afterRefusal, documents }
  const fields = { ip, boot: id, ...whoIs(boot), document: 'san.ipxe' }
  try {
    const text = scripts.san(decision, namesContext, await openSecrets(db, sealer, machine?.id, groups))
    if (context.req.method === 'GET')
      inventory.events.record({ bootId: id, ip, stage: 'file', file: 'san.ipxe', bytes: Buffer.byteLength(text) })
    log.info(fields, 'script for a storage network')
    return context.text(text)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const reason = error.faults.map(({ field, expected }) => `${field}: expected ${expected}`).join('; ')
    log.error({ ...fields, reason }, 'the script for a storage network cannot be made')
    if (context.req.method === 'GET') await recordInOrder(deps, token, 'failed', ip, reason)
    const nextStep = 'correct it among the secrets of the machine or of one of its groups'
    const refused: Decision = { ...decision, reasons: [], spec: { kind: 'refusal', reason, nextStep } }
    return context.text(scripts.script(refused, namesContext).text)
  }
}
