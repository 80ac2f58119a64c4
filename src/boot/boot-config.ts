import { findTokenBoot } from '../inventory/boots/answer-access.ts'
import { renderArgs } from '../render/args.ts'
import { maxBootConfigBytes, renderBootConfig } from '../render/boot-config.ts'
import { namesOf } from '../render/names.ts'
import { documentsFor } from './answer-files.ts'
import { addressOf, type BootContext, baseUrlOf, isToken } from './http/request.ts'
import type { BootDeps } from './routes.ts'

const nothing = 'This boot has no boot.cfg.\n'

/** `/b/{token}/boot.cfg`: the configuration of VMware's mboot.efi for one boot, with the args as kernel options. No secrets stand in it. */
export async function serveBootConfig(c: BootContext, deps: BootDeps): Promise<Response> {
  const { db, store, events, log, settings } = deps
  c.header('Cache-Control', 'no-store')
  const token = c.req.param('token') ?? ''
  const ip = addressOf(c)
  const boot = isToken(token) ? await findTokenBoot(db, token) : undefined
  if (boot === undefined || boot.decision.spec.kind !== 'efi') return c.text(nothing, 404)
  const { id, facts, decision } = boot
  const { spec } = boot.decision
  const file = spec.bootConfig && (await store.open(spec.bootConfig.sha256))
  if (file === undefined) return c.text(nothing, 404)
  const buffer = Buffer.alloc(Math.min(file.sizeBytes, maxBootConfigBytes))
  const length = await file.read(buffer, 0).finally(() => file.close())

  const [document] = await documentsFor(deps, decision)
  const context = { facts, base: baseUrlOf(c, settings.baseUrl), boot: { id, token } }
  const names = namesOf(decision, context, document?.name)
  const options = renderArgs(spec.args, names, { withoutArgs: spec.withoutArgs })
  const text = renderBootConfig(buffer.toString('utf8', 0, length), names.tree ?? '', options)
  if (c.req.method === 'GET') {
    events.record({ bootId: id, ip, stage: 'file', file: 'boot.cfg', bytes: Buffer.byteLength(text) })
    log.info({ ip, boot: id, mac: facts.mac }, 'boot.cfg')
  }
  return c.text(text)
}
