// `/ipxe`: the script for a machine. For iPXE it is a boot, for other clients a preview. Called by routes.ts and menus.ts.
import { answerMachine, type MachineAnswer, previewBoot } from '../decide/answer.ts'
import { DiskFullError, findCause, InputError, JournalFullError, messageOf } from '../lib/errors.ts'
import { type Decision, refusal } from '../model/decision.ts'
import { type Facts, targetOf } from '../model/facts.ts'
import type { Choice } from '../model/menu.ts'
import { bootMachine } from './boot-machine.ts'
import type { BootDeps } from './http/deps.ts'
import { parseFacts } from './http/facts-query.ts'
import { type BootContext, type BootRequest, readRequest } from './http/request.ts'
import { scriptResponse } from './http/script-response.ts'

/** `/ipxe?mac=…` and `/ipxe/{mac}.ipxe`: the script for a machine. Always 200, because iPXE does not show the text of errors. */
export async function serveScript(context: BootContext, deps: BootDeps): Promise<Response> {
  const request = readRequest(context, deps.settings)
  const macInPath = context.req.param('file')?.replace(/\.ipxe$/, '')
  try {
    return scriptResponse(await scriptFor(deps, request, parseFacts(request.query, macInPath)))
  } catch (error) {
    return scriptResponse(faultScript(deps, request, {}, error))
  }
}

/** The script for a machine. Every error becomes a script that prints the reason. `choice` is an entry of a menu. */
export async function scriptFor(deps: BootDeps, request: BootRequest, facts: Facts, choice?: Choice): Promise<string> {
  try {
    const answer = request.boots
      ? await bootMachine(deps, request, facts, choice)
      : await answerMachine(deps, facts, { base: request.base })
    logScript(deps, request, facts, answer)
    return answer.script
  } catch (error) {
    return faultScript(deps, request, facts, error)
  }
}

function logScript(
  { log, metrics }: BootDeps,
  { ip }: BootRequest,
  { mac }: Facts,
  { decision, bootId }: MachineAnswer & { bootId?: string },
): void {
  const { machine, spec, image, asOf } = decision
  const fields = {
    mac,
    hostname: machine?.hostname,
    ip,
    boot: bootId,
    machine: machine?.id,
    kind: spec.kind,
    image,
    asOf,
  }
  if (spec.kind === 'refusal' && bootId !== undefined) metrics.refusal(spec.code)
  if (spec.kind === 'refusal') log.warn({ ...fields, code: spec.code, reason: spec.reason }, 'script refused')
  else log.info(fields, 'script')
}

/** The script for an invalid request, or for a request that the server could not answer. */
export function faultScript(deps: BootDeps, { ip, base }: BootRequest, facts: Facts, error: unknown): string {
  const level = error instanceof InputError ? 'warn' : 'error'
  deps.log[level]({ mac: facts.mac, ip, error: messageOf(error) }, 'script could not be made')
  const decision: Decision = {
    ...{ target: targetOf(facts), groups: [], params: {}, notices: [], reasons: [] },
    spec: faultSpec(base, error),
  }
  if (decision.spec.kind === 'refusal') deps.metrics.refusal(decision.spec.code)
  const { afterRefusal: after, command } = deps.settings
  const context = { facts, base, boot: previewBoot, after, ...(command !== undefined && { command }) }
  return deps.scripts.script(decision, context).text
}

function faultSpec(base: string, error: unknown): Decision['spec'] {
  if (error instanceof InputError)
    return refusal('BW-BAD-REQUEST', `bad request: ${error.message}`, `chain ${base}/boot.ipxe`)
  if (error instanceof JournalFullError)
    return {
      kind: 'refusal',
      code: 'BW-JOURNAL',
      reason: error.message,
      nextStep: 'check the log of the boot server; this machine retries',
      fault: true,
    }
  const isFull = findCause(error, DiskFullError) !== undefined
  const reason = isFull ? 'the disk of the boot server is full' : 'the Bootwright database is unreachable'
  return {
    kind: 'refusal',
    code: isFull ? 'BW-DISK-FULL' : 'BW-DATABASE',
    reason,
    nextStep: 'check the log of the boot server; this machine retries',
    fault: true,
  }
}
