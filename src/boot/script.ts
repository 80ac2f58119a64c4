import { refuseDamaged } from '../decide/damage.ts'
import { decide } from '../decide/decision.ts'
import { documentsOf, secretNamesOf } from '../inventory/boots/answer-access.ts'
import { newBootKeys } from '../inventory/boots/boots.ts'
import { noteClaim } from '../inventory/machines/identity/claims.ts'
import { noteConflict } from '../inventory/machines/identity/conflicts.ts'
import { recordDiscovered } from '../inventory/machines/identity/discovered.ts'
import { noteSeen } from '../inventory/machines/identity/last-seen.ts'
import { takeOverDiscovered } from '../inventory/machines/machines.ts'
import { DiskFullError, findCause, InputError, messageOf } from '../lib/errors.ts'
import type { AnswerDocument } from '../model/answer-file.ts'
import type { Decision, Situation } from '../model/decision.ts'
import type { LatestDeployment } from '../model/deployment.ts'
import { type Facts, targetOf } from '../model/facts.ts'
import type { Choice } from '../model/menu.ts'
import { redactedSecrets, renderAnswers, withRedactedSecrets } from '../render/answers.ts'
import { namesOf } from '../render/names.ts'
import type { ScriptContext } from '../render/scripts.ts'
import { parseFacts } from './http/facts-query.ts'
import { addressOf, type BootContext, baseUrlOf, isIpxe, queryOf } from './http/request.ts'
import { settleEvents } from './http/settle.ts'
import type { BootDeps } from './routes.ts'

const previewBoot = { id: 'preview', token: 'preview' }

/** A script, and the decision that it says. */
export type Rendered = { script: string; decision: Decision; bootId?: string }

/** `/ipxe?mac=…` and `/ipxe/{mac}.ipxe`: the script for one machine. Always 200: iPXE shows a script's text, never an error's. */
export async function serveScript(c: BootContext, deps: BootDeps): Promise<Response> {
  const base = baseUrlOf(c, deps.settings.baseUrl)
  let facts: Facts = {}
  const script = await scriptOrFault(
    c,
    deps,
    base,
    () => facts,
    async () => {
      facts = parseFacts(queryOf(c), c.req.param('file')?.replace(/\.ipxe$/, ''))
      if (!isIpxe(c) || c.req.method !== 'GET') return previewScript(deps, facts, base)
      // Where it is, is seen better than it is said.
      facts = { ...facts, ip: addressOf(c) }
      return bootScript(deps, facts, base, addressOf(c))
    },
  )
  c.header('Cache-Control', 'no-store')
  return c.text(script)
}

/** Makes a script, or, of whatever goes wrong, one that says so on the machine's screen; and logs it. */
export async function scriptOrFault(
  c: BootContext,
  deps: BootDeps,
  base: string,
  factsNow: () => Facts,
  make: () => Promise<Rendered>,
): Promise<string> {
  const ip = addressOf(c)
  try {
    const { script, decision, bootId } = await make()
    const { machine, spec, image } = decision
    const who = { mac: factsNow().mac, hostname: machine?.hostname, ip, boot: bootId, machine: machine?.id }
    if (spec.kind === 'refusal')
      deps.log.warn({ ...who, kind: spec.kind, image, reason: spec.reason }, 'script refused')
    else deps.log.info({ ...who, kind: spec.kind, image }, 'script')
    return script
  } catch (error) {
    const facts = factsNow()
    const level = error instanceof InputError ? 'warn' : 'error'
    deps.log[level]({ mac: facts.mac, ip, error: messageOf(error) }, 'no script could be made')
    return deps.scripts.script(faultDecision(facts, error), contextOf(deps, facts, base, previewBoot))
  }
}

/** A script as it would be served now, and why; opens no boot and changes nothing. `supposed` is a deployment as if it were armed. */
export async function previewScript(
  deps: BootDeps,
  facts: Facts,
  base: string,
  supposed?: LatestDeployment,
): Promise<Rendered> {
  const situation = await deps.findSituation(facts, supposed)
  const decision = await refuseDamaged(deps, decide(situation), situation, false)
  return renderDecision(deps, decision, situation, base, previewBoot)
}

/** Decides for a machine that asks for real, and opens its boot. `choice` is what was taken from a menu. */
export async function bootScript(
  deps: BootDeps,
  facts: Facts,
  base: string,
  ip: string,
  choice?: Choice,
): Promise<Rendered> {
  const situation = await noteIdentity(deps, await deps.findSituation(facts), facts)
  const keys = newBootKeys(deps.sealer.tokenOf)
  const decision = await refuseDamaged(deps, decide(situation, choice), situation, true)
  const answer = renderDecision(deps, decision, situation, base, keys)
  // A machine that waits asks again every few seconds: that is no boot yet.
  if (answer.decision.spec.kind === 'wait') {
    await noteSeen(deps.db, answer.decision, facts)
    return answer
  }
  if (answer.decision.machine?.discovered !== false && !deps.mayRecord(ip)) {
    deps.log.warn(
      { mac: facts.mac, ip },
      'a boot of a machine that nobody entered is not recorded: its address has had its share',
    )
    return previewScript(deps, facts, base)
  }
  // What firmware and bootstrap did must be written before the boot can be joined to it.
  await settleEvents(deps)
  await deps.openBoot({ ...keys, facts: situation.facts, ip, ...answer, reports: hearsBack(answer, keys.token) })
  return { ...answer, bootId: keys.id }
}

/** Whether the booted system is told where to report: in its arguments, or in answers that it can only ask for there. */
function hearsBack({ script, decision }: Rendered, token: string): boolean {
  const kernelLines = script.split('\n').filter((line) => line.startsWith('kernel '))
  return decision.answerFile !== undefined || kernelLines.some((line) => line.includes(token))
}

/**
 * Records what there is to know of who asks: two machines that claim it, a MAC that asks with the UUID or serial of a
 * machine that does not have it, or a machine never seen before.
 */
async function noteIdentity(deps: BootDeps, situation: Situation, facts: Facts): Promise<Situation> {
  const { db, findSituation } = deps
  const { identity } = situation
  if ('conflict' in identity) await noteConflict(db, identity.conflict, facts)
  else if (!('machine' in identity)) {
    for (const { id } of identity.claimed) await noteClaim(db, id, facts)
    return discover(deps, situation, facts)
  } else if (!identity.byMac) {
    const { machine, weak } = identity
    const isNew = await noteClaim(db, machine.id, facts)
    if (weak === undefined && facts.mac !== undefined) await takeOverDiscovered(db, machine.id, [facts.mac])
    if (!isNew) return situation
    deps.log.warn(
      { mac: facts.mac, machine: machine.id, weak },
      'a machine is known by its UUID or serial, not by its MAC',
    )
    // Another that says the same may ask at this moment: who it is counts only after this one stands beside it.
    return findSituation(facts)
  }
  return situation
}

async function discover(
  { db, settings, log, findSituation, mayRecord }: BootDeps,
  situation: Situation,
  facts: Facts,
): Promise<Situation> {
  const { maxDiscovered: max, maxDiscoveredPerAddress: maxPerAddress } = settings
  const machine = mayRecord(facts.ip ?? '') ? await recordDiscovered(db, facts, { max, maxPerAddress }) : undefined
  if (machine === undefined) {
    const why = 'an unknown machine is not recorded: it has no MAC, or its address has had its share'
    log.warn({ mac: facts.mac, ip: facts.ip }, why)
    return situation
  }
  log.info({ mac: facts.mac, machine: machine.id }, 'a machine is discovered')
  return findSituation(facts)
}

// What cannot be filled in is found here, before the boot is opened: the machine is told, and so is the boot's record.
function renderDecision(
  deps: BootDeps,
  decision: Decision,
  situation: Situation,
  base: string,
  boot: ScriptContext['boot'],
): Rendered {
  const context = contextOf(deps, situation.facts, base, boot, documentsOf(decision, situation))
  try {
    checkAnswers(decision, situation, context)
    checkSan(deps, decision, situation, context)
    return { script: deps.scripts.script(decision, context), decision }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const { image, answerFile } = decision
    const inAnswers = error.faults.every(({ field }) => field.startsWith('document '))
    const reason = inAnswers
      ? `answer file ${answerFile?.name}: ${error.faults.map(({ field, value }) => `${value} (${field})`).join(', ')}`
      : `image ${image?.name}: ${error.message}`
    const nextStep =
      inAnswers || decision.spec.kind === 'sanboot'
        ? stepsFor(error.faults.map(({ value }) => value))
        : 'correct the args; where each comes from: bootwright explain MAC'
    const refused: Decision = { ...decision, spec: { kind: 'refusal', reason, nextStep } }
    return { script: deps.scripts.script(refused, context), decision: refused }
  }
}

/** The commands that set what a text needs of a machine: `params.disk`, `secrets.password`, `machine.hostname`. */
function stepsFor(missing: string[]): string {
  const named = (pattern: RegExp) => [...new Set(missing.flatMap((value) => pattern.exec(value)?.[1] ?? []))]
  const options = [
    ...named(/^params\.(\w+)/).map((name) => `--param ${name}=VALUE`),
    ...named(/^machine\.labels\.([\w./-]+)/).map((name) => `--label ${name}=VALUE`),
    ...named(/^machine\.(hostname|serial|asset|product|uuid)$/).map((name) => `--${name} VALUE`),
  ]
  const steps = [
    ...(options.length > 0 ? [`bootwright machine set MAC ${options.join(' ')}`] : []),
    ...named(/^secrets\.(\w+)/).map((name) => `bootwright secret set ${name} --machine MAC`),
  ]
  const where = 'or for one of its groups'
  return steps.length > 0
    ? `${steps.join('; ')} (${where})`
    : 'set what is missing among the params and secrets: bootwright machine set MAC --param NAME=VALUE; bootwright secret set NAME --machine MAC'
}

// An installer that cannot be answered would stop half-way, with a disk half written.
function checkAnswers(decision: Decision, situation: Situation, context: ScriptContext): void {
  const documents = documentsOf(decision, situation)
  if (documents.length === 0) return
  const names = namesOf(decision, context, documents[0]?.name)
  renderAnswers(documents, withRedactedSecrets(names, secretNamesOf(decision, situation)))
}

// A secret that is not set would be found only after iPXE has been told to go on.
function checkSan({ scripts }: BootDeps, decision: Decision, situation: Situation, context: ScriptContext): void {
  const { spec } = decision
  if (spec.kind !== 'sanboot' || !('target' in spec) || spec.chap === undefined) return
  scripts.san(decision, context, redactedSecrets(secretNamesOf(decision, situation)))
}

function faultDecision(facts: Facts, error: unknown): Decision {
  const spec =
    error instanceof InputError
      ? {
          kind: 'refusal' as const,
          reason: `the request is not understood: ${error.message}`,
          nextStep: 'chain to /boot.ipxe, which asks rightly',
        }
      : {
          kind: 'refusal' as const,
          reason:
            findCause(error, DiskFullError) === undefined
              ? 'the inventory does not answer'
              : 'the disk of the boot server is full',
          nextStep: 'see the log of the boot server; this machine asks again',
          fault: true as const,
        }
  return { target: targetOf(facts), groups: [], params: {}, notices: [], reasons: [], spec }
}

function contextOf(
  { settings }: BootDeps,
  facts: Facts,
  base: string,
  boot: ScriptContext['boot'],
  documents: AnswerDocument[] = [],
): ScriptContext {
  const { afterRefusal: after, command } = settings
  return {
    facts,
    base,
    boot,
    after,
    ...(command !== undefined && { command }),
    documents: documents.map(({ name }) => name),
  }
}
