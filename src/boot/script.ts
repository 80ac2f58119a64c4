import { InputError, messageOf } from '../errors.ts'
import { newBootKeys, openBoot } from '../inventory/boots.ts'
import { type Decision, decide, findSituation, type Situation } from '../inventory/decision.ts'
import { type Facts, targetOf } from '../inventory/facts.ts'
import { identityKeys } from '../inventory/identity.ts'
import { recordDiscovered } from '../inventory/machines.ts'
import type { ScriptContext } from '../render/scripts.ts'
import { parseFacts } from './facts-query.ts'
import { addressOf, type BootContext, baseUrlOf, isIpxe, queryOf } from './request.ts'
import type { BootDeps } from './routes.ts'

const previewBoot = { id: 'preview', token: 'preview' }

/** `/ipxe?mac=…` and `/ipxe/{mac}.ipxe`: the script for one machine. Always 200: iPXE shows a script's text, never an error's. */
export async function serveScript(c: BootContext, deps: BootDeps): Promise<Response> {
  const { log, settings } = deps
  const base = baseUrlOf(c, settings.baseUrl)
  const ip = addressOf(c)
  let facts: Facts = {}
  let script: string
  try {
    facts = parseFacts(queryOf(c), c.req.param('file')?.replace(/\.ipxe$/, ''))
    const real = isIpxe(c) && c.req.method === 'GET'
    const answer = real ? await openAndRender(deps, facts, base, ip) : await previewScript(deps, facts, base)
    script = answer.script
    log.info(
      {
        mac: facts.mac,
        ip,
        boot: answer.bootId,
        machine: answer.decision.machine?.id,
        kind: answer.decision.spec.kind,
        image: answer.decision.image,
      },
      'script',
    )
  } catch (error) {
    script = deps.scripts.script(faultDecision(facts, error), contextOf(deps, facts, base, previewBoot))
    log[error instanceof InputError ? 'warn' : 'error'](
      { mac: facts.mac, ip, error: messageOf(error) },
      'no script could be made',
    )
  }
  c.header('Cache-Control', 'no-store')
  return c.text(script)
}

/** A script as it would be served now, and why; opens no boot and changes nothing. */
export async function previewScript(
  deps: BootDeps,
  facts: Facts,
  base: string,
): Promise<{ script: string; decision: Decision; bootId?: string }> {
  return renderDecision(deps, decide(await findSituation(deps.db, facts)), facts, base, previewBoot)
}

async function openAndRender(
  deps: BootDeps,
  facts: Facts,
  base: string,
  ip: string,
): Promise<{ script: string; decision: Decision; bootId?: string }> {
  const { db, events } = deps
  const situation = await findSituation(db, facts)
  const decided = decide(situation.identity === undefined ? await discover(deps, situation) : situation)
  const keys = newBootKeys()
  const answer = renderDecision(deps, decided, facts, base, keys)
  // A machine that waits asks again every few seconds: that is no boot yet.
  if (decided.spec.kind === 'wait') return answer
  // What firmware and bootstrap did must be written before the boot can be joined to it.
  await events.flush()
  await openBoot(db, keys, facts, ip, answer.decision)
  return { ...answer, bootId: keys.id }
}

async function discover({ db, settings, log }: BootDeps, situation: Situation): Promise<Situation> {
  const { facts } = situation
  const machine = await recordDiscovered(db, identityKeys(facts), facts, settings.maxDiscovered)
  if (machine === undefined) {
    log.warn(
      { mac: facts.mac, most: settings.maxDiscovered },
      'an unknown machine is not recorded: it has no MAC, or too many are discovered already',
    )
    return situation
  }
  log.info({ mac: facts.mac, machine: machine.id }, 'a machine is discovered')
  return { ...situation, identity: { machine, matchedBy: `MAC ${facts.mac}`, passedOver: [] } }
}

// An argument that cannot be filled in is found here, before the boot is opened: the machine is told, and so is the boot's record.
function renderDecision(
  deps: BootDeps,
  decision: Decision,
  facts: Facts,
  base: string,
  boot: ScriptContext['boot'],
): { script: string; decision: Decision } {
  const context = contextOf(deps, facts, base, boot)
  try {
    return { script: deps.scripts.script(decision, context), decision }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const reason = `image ${decision.image?.name}: ${error.message}`
    const refused: Decision = {
      ...decision,
      spec: { kind: 'refusal', reason, nextStep: 'correct the args of the image or of the machine' },
    }
    return { script: deps.scripts.script(refused, context), decision: refused }
  }
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
          reason: 'the inventory does not answer',
          nextStep: 'see the log of the boot server; this machine asks again',
        }
  return { target: targetOf(facts), reasons: [], spec }
}

function contextOf({ settings }: BootDeps, facts: Facts, base: string, boot: ScriptContext['boot']): ScriptContext {
  return { facts, base, boot, after: settings.afterRefusal }
}
