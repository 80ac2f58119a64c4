import type { DeploymentOrder } from '../inventory/deployments.ts'
import type { Facts } from '../inventory/facts.ts'
import type { Machine } from '../inventory/machines.ts'
import type { LatestDeployment } from '../inventory/situation.ts'
import type { AdminDeps } from './endpoint.ts'

/** Why machines could not boot what they are to install, by their ids. */
export type Refusals = ReadonlyMap<string, string>

const previewsAtOnce = 64

/**
 * What each machine would be shown if it were armed and booted now: those that would be refused, for a name that their answer
 * file lacks, a variant that the image lacks or a file that is damaged, and why. As the preview checks it.
 */
export async function findRefusals(deps: AdminDeps, machines: Machine[], order: DeploymentOrder): Promise<Refusals> {
  const { image, assignment, maxAttempts } = order
  const supposed: LatestDeployment = {
    ...{ id: 'preview', image, version: null, assignment, maxAttempts },
    ...{ state: 'armed', attempts: 0, reason: null, late: false },
  }
  const refusals = new Map<string, string>()
  for (let at = 0; at < machines.length; at += previewsAtOnce) {
    const decisions = await Promise.all(
      machines.slice(at, at + previewsAtOnce).map(async (machine) => {
        const { decision } = await deps.preview(factsOf(machine), undefined, supposed)
        return { id: machine.id, spec: decision.spec }
      }),
    )
    for (const { id, spec } of decisions)
      if (spec.kind === 'refusal') refusals.set(id, `${spec.reason}; ${spec.nextStep}`)
  }
  return refusals
}

/** As the machine would say of itself: what it said the last time, and a key that an operator entered. */
function factsOf({ facts, macs, uuid, serial, product }: Machine): Facts {
  const [mac] = macs
  const keys = mac !== undefined ? { mac } : { uuid, serial, product }
  return { ...facts, ...Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) }
}
