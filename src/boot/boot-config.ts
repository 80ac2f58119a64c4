// Serves boot.cfg of VMware's boot loader. Called by routes.ts.
import { renderArgs } from '../render/args.ts'
import { maxBootConfigBytes, renderBootConfig } from '../render/boot-config.ts'
import { namesOf } from '../render/names.ts'
import type { BootDeps } from './http/deps.ts'
import { addressOf, type BootContext, baseUrlOf } from './http/request.ts'

const nothing = 'This boot has no boot.cfg.\n'

/** `/b/{token}/boot.cfg`: the configuration of VMware's mboot.efi for a boot, with the args as kernel options, without secrets. */
export async function serveBootConfig(context: BootContext, deps: BootDeps): Promise<Response> {
  const { sealer, store, inventory, log, settings } = deps
  context.header('Cache-Control', 'no-store')
  const token = context.req.param('token') ?? ''
  const ip = addressOf(context)
  const bootId = sealer.bootOf(token)
  const boot = bootId === undefined ? undefined : await inventory.findTokenBoot(bootId)
  if (boot === undefined || boot.decision.spec.kind !== 'efi') return context.text(nothing, 404)
  const { id, facts, decision } = boot
  const { spec } = boot.decision
  const file = spec.bootConfig && (await store.open(spec.bootConfig.sha256))
  if (file === undefined) return context.text(nothing, 404)
  const buffer = Buffer.alloc(Math.min(file.sizeBytes, maxBootConfigBytes))
  const length = await file.read(buffer, 0).finally(() => file.close())

  const [document] = await inventory.findDocuments(decision)
  const namesContext = { facts, base: baseUrlOf(context, settings.baseUrl), boot: { id, token } }
  const names = namesOf(decision, namesContext, document?.name)
  const options = renderArgs(spec.args, names, { withoutArgs: spec.withoutArgs })
  const text = renderBootConfig(buffer.toString('utf8', 0, length), names.tree ?? '', options)
  if (context.req.method === 'GET') {
    inventory.events.record({ bootId: id, ip, stage: 'file', file: 'boot.cfg', bytes: Buffer.byteLength(text) })
    log.info({ ip, boot: id, mac: facts.mac }, 'boot.cfg')
  }
  return context.text(text)
}
