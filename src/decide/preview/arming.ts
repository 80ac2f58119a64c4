// Which machines must not be armed with an image, and why.
import type { Db } from '../../db/open.ts'
import type { DeploymentOrder } from '../../inventory/boots/deployments.ts'
import { findDuplicates } from '../../inventory/machines/identity/duplicates.ts'
import { findReported } from '../../inventory/machines/identity/reported-facts.ts'
import type { Decision } from '../../model/decision.ts'
import type { LatestDeployment } from '../../model/deployment.ts'
import type { Facts } from '../../model/facts.ts'
import type { Machine } from '../../model/machine.ts'
import { type AnswerDeps, answerMachine } from '../answer.ts'

/** The reason why each machine must not be armed, by machine id. */
export type Refusals = ReadonlyMap<string, string>

/** What the check needs: the parts of an answer, the database, and the URL of the boot server. */
export type ArmingDeps = AnswerDeps & { db: Db; bootUrl: string }

const previewsAtOnce = 16

/**
 * Finds the machines that must not be armed. The preview would refuse them (a missing value, variant or file), or their
 * identity is uncertain, or they are probably duplicates of another machine.
 */
export async function findRefusals(deps: ArmingDeps, machines: Machine[], order: DeploymentOrder): Promise<Refusals> {
  const { image, version = null, assignment, maxAttempts, windowSeconds } = order
  const supposed: LatestDeployment = {
    ...{ id: 'preview', image, version, assignment, maxAttempts, windowSeconds },
    ...{ state: 'armed', attempts: 0, reason: null, late: false },
  }
  const refusals = new Map<string, string>()
  for (let at = 0; at < machines.length; at += previewsAtOnce) {
    const batch = machines.slice(at, at + previewsAtOnce)
    const reported = await findReported(deps.db, batch)
    const decisions = await Promise.all(
      batch.map(async (machine) => {
        const facts = factsOf(machine, reported.get(machine.id))
        const { decision } = await answerMachine(deps, facts, { base: deps.bootUrl }, supposed)
        return { id: machine.id, why: whyNotServed(decision, machine, supposed) }
      }),
    )
    for (const { id, why } of decisions) if (why !== undefined) refusals.set(id, why)
  }
  const others = machines.filter(({ id, denied }) => !denied && !refusals.has(id))
  return new Map([...refusals, ...(await findDuplicates(deps.db, others))])
}

function whyNotServed(
  { spec, deployment, machine, notices }: Decision,
  { id }: Machine,
  supposed: LatestDeployment,
): string | undefined {
  if (spec.kind === 'refusal') return `${spec.reason}; ${spec.nextStep}`
  if (deployment?.id === supposed.id && machine?.id === id) return undefined
  return notices.join('; ') || `its facts identify ${machine?.name ?? 'no machine'}`
}

/** The facts that the machine would report: those of its last boot, and a key that an operator entered. */
function factsOf({ facts, macs, uuid, serial, product }: Machine, reported: Facts = {}): Facts {
  const [mac] = macs
  const keys = mac !== undefined ? { mac } : { uuid, serial, product }
  return {
    ...facts,
    ...reported,
    ...Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)),
  }
}
