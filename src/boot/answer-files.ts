// Serves answer files, rendered for a boot and guarded by its token. Called by routes.ts, stable-answers.ts and san.ts.
import { type TokenBoot, whyNoAnswers } from '../inventory/boots/answer-access.ts'
import { InputError, messageOf } from '../lib/errors.ts'
import { subnetTest } from '../lib/subnet.ts'
import type { AnswerDocument } from '../model/answer-file.ts'
import { defaultNocloud, renderAnswers } from '../render/answers.ts'
import { namesOf } from '../render/names.ts'
import type { BootDeps } from './http/deps.ts'
import { addressOf, type BootContext, baseUrlOf } from './http/request.ts'

const refused = 'No answer file here, or the link has expired.\n'

/**
 * `/b/{token}/answer/{document}` and `/b/{token}/nocloud/{document}`: a document, rendered for this boot with its secrets. The
 * log has the reason of a refusal; the client does not get it.
 */
export async function serveAnswer(
  context: BootContext,
  deps: BootDeps,
  source: 'answer' | 'nocloud',
): Promise<Response> {
  const name = context.req.param('document') ?? ''
  const opened = await openForSecrets(context, deps, name)
  return opened instanceof Response ? opened : answerDocument(context, deps, opened, name, source)
}

/** A boot whose secrets the client may get, and the client's address. */
export type OpenedBoot = { boot: TokenBoot; token: string; ip: string }

/** Answers with a rendered document of a boot's answer file, and records that it was fetched. */
export async function answerDocument(
  context: BootContext,
  deps: BootDeps,
  { boot, token, ip }: OpenedBoot,
  name: string,
  source: 'answer' | 'nocloud',
): Promise<Response> {
  const { log } = deps
  const fields = { ip, boot: boot.id, ...machineFields(boot), document: name.slice(0, 64) }
  try {
    const document = await renderFor(context, deps, boot, token, name, source)
    if (document === undefined) {
      log.info(fields, 'answer file has no such document')
      return context.text(`The answer file has no document ${name.slice(0, 64)}.\n`, 404)
    }
    if (context.req.method !== 'HEAD')
      await deps.inventory.journal.recordReport({ boot_id: boot.id, seen: 'answer-file', ip, message: name })
    log.info(fields, 'answer file')
    return context.body(document.text, 200, { 'Content-Type': document.mediaType })
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    log.error({ ...fields, error: messageOf(error) }, 'answer file could not be rendered')
    return context.text('The answer file cannot be rendered. See the log of the boot server.\n', 500)
  }
}

/**
 * The boot of the token in the URL, if the client may get its secrets; else the refusal, which does not contain the reason.
 * Guards everything that contains secrets.
 */
export async function openForSecrets(
  context: BootContext,
  deps: BootDeps,
  document: string,
): Promise<OpenedBoot | Response> {
  const { inventory, sealer, log } = deps
  const token = context.req.param('token') ?? ''
  const ip = addressOf(context)
  context.header('Cache-Control', 'no-store')
  const id = sealer.bootOf(token)
  const boot = id === undefined ? undefined : await inventory.findTokenBoot(id)
  const why = boot === undefined ? 'no boot has this token' : whyNoAnswers(boot, ip, answersElsewhere(deps, ip))
  if (boot !== undefined && why === undefined) return { boot, token, ip }
  log.warn(
    { ip, boot: boot?.id, ...(boot && machineFields(boot)), document: document.slice(0, 64), why },
    'answer file refused',
  )
  if (boot !== undefined && why !== undefined)
    noteRefused(deps, boot.id, ip, document, boot.ip === ip ? why : `${why}; ${allowing(ip)}`)
  return context.text(refused, boot === undefined ? 404 : 403)
}

/** The machine of a boot, for the log. */
export function machineFields({ facts, decision }: TokenBoot): {
  mac: string | undefined
  hostname: string | undefined
} {
  return { mac: facts.mac, hostname: decision.machine?.hostname }
}

/** Whether an address may get the answers of a boot whose script another address fetched. */
function answersElsewhere({ settings }: Pick<BootDeps, 'settings'>, ip: string): boolean {
  const { answersToAnyAddress, answerSubnets = [] } = settings
  return answersToAnyAddress || (answerSubnets.length > 0 && subnetTest(answerSubnets)(ip))
}

function allowing(ip: string): string {
  const subnet = ip.includes(':') ? `${ip}/128` : ip.replace(/\d+$/, '0/24')
  return `to allow it: BOOTWRIGHT_ANSWER_SUBNETS=${subnet}, or BOOTWRIGHT_ANSWERS_TO_ANY_ADDRESS=yes`
}

/** Records in the boot that its installer was refused, and how to allow it. */
export function noteRefused({ inventory }: BootDeps, bootId: string, ip: string, document: string, why: string): void {
  const message = `refused the answer file ${document.slice(0, 64)} to ${ip}: ${why}`
  inventory.journal.note('notice', { boot_id: bootId, ip, message })
}

async function renderFor(
  context: BootContext,
  deps: BootDeps,
  { id, facts, decision }: TokenBoot,
  token: string,
  name: string,
  source: 'answer' | 'nocloud',
): Promise<AnswerDocument | undefined> {
  const { inventory, sealer, settings } = deps
  const documents = await inventory.findDocuments(decision)
  if (documents.length === 0) return undefined
  const namesContext = { facts, base: baseUrlOf(context, settings.baseUrl), boot: { id, token } }
  const names = namesOf(decision, namesContext, documents[0]?.name)
  const document = documents.find((candidate) => candidate.name === name)
  if (document === undefined) {
    const text = source === 'nocloud' ? defaultNocloud(name, names) : undefined
    return text === undefined ? undefined : { name, mediaType: 'text/plain; charset=utf-8', text }
  }
  const secrets = await inventory.openSecrets(sealer, decision)
  return renderAnswers([document], { ...names, secrets })[0]
}
