// Serves the script that opens an iSCSI target. Called by routes.ts.
import { InputError } from '../lib/errors.ts'
import { type Decision, refusal } from '../model/decision.ts'
import { machineFields, openForSecrets } from './answer-files.ts'
import type { BootDeps } from './http/deps.ts'
import { type BootContext, baseUrlOf } from './http/request.ts'

/**
 * `/b/{token}/san.ipxe`: the script that opens a boot's iSCSI target with the CHAP passwords of its machine, guarded like
 * answer files. If a password is not valid in a script, the script shows the reason, and the boot fails.
 */
export async function serveSan(context: BootContext, deps: BootDeps): Promise<Response> {
  const { sealer, scripts, inventory, log, settings } = deps
  const opened = await openForSecrets(context, deps, 'san.ipxe')
  if (opened instanceof Response) return opened
  const { boot, token, ip } = opened
  const { id, facts, decision } = boot
  const { spec } = decision
  if (spec.kind !== 'sanboot' || !('target' in spec))
    return context.text('This boot does not use a storage network.\n', 404)

  const documents = (await inventory.findDocuments(decision)).map(({ name }) => name)
  const base = baseUrlOf(context, settings.baseUrl)
  const namesContext = { facts, base, boot: { id, token }, after: settings.afterRefusal, documents }
  const fields = { ip, boot: id, ...machineFields(boot), document: 'san.ipxe' }
  try {
    const text = scripts.san(decision, namesContext, await inventory.openSecrets(sealer, decision))
    if (context.req.method === 'GET')
      inventory.events.record({ bootId: id, ip, stage: 'file', file: 'san.ipxe', bytes: Buffer.byteLength(text) })
    log.info(fields, 'storage network script')
    return context.text(text)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const reason = error.faults.map(({ field, expected }) => `${field}: expected ${expected}`).join('; ')
    log.error({ ...fields, reason }, 'storage network script could not be made')
    if (context.req.method === 'GET')
      await inventory.journal.recordReport({ boot_id: id, seen: 'failed', ip, message: reason })
    const nextStep = 'correct the secret: bootwright secret set NAME --machine MAC'
    const refused: Decision = { ...decision, reasons: [], spec: refusal('BW-ARGUMENT', reason, nextStep) }
    return context.text(scripts.script(refused, namesContext).text)
  }
}
