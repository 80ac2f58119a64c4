// Power for deployments: machines are armed, then booted from the network.
import type { Db } from '../../../db/open.ts'
import { ConflictError } from '../../../lib/errors.ts'
import type { Machine } from '../../../model/machine.ts'
import { type ArmedPower, type PowerOrder, powerCan } from '../../../model/power/power.ts'
import type { Actor } from '../../changes/changes.ts'
import { findPowerRefusals } from './refusals.ts'
import { addPowerRequests, type PowerRequest, powerOfDeployments } from './requests.ts'
import { findPowers } from './settings.ts'

type Armed = { id: string; machineId: string }

function orderOf(action: ArmedPower, network = action === 'cycle'): PowerOrder {
  return { action, network, force: false }
}

/** The machines that cannot be powered after arming, with the reason. */
export async function findUnpowered(
  db: Db,
  machines: Pick<Machine, 'id'>[],
  power: ArmedPower | undefined,
): Promise<ReadonlyMap<string, string>> {
  return power === undefined ? new Map() : findPowerRefusals(db, machines, orderOf(power))
}

/** Requests power for armed deployments, in the transaction that arms them. @throws ConflictError */
export async function powerArmed(
  db: Db,
  armed: Armed[],
  power: ArmedPower | undefined,
  by: Actor,
  batch?: string,
): Promise<void> {
  if (power === undefined || armed.length === 0) return
  const settings = await findPowers(
    db,
    armed.map(({ machineId }) => machineId),
  )
  const busy = await db.transaction(async (tx) => {
    const found: string[] = []
    // The next boot is a network boot wherever the kind of power can choose it.
    for (const network of [true, false]) {
      const targets = armed
        .filter(
          ({ machineId }) => powerCan[settings.get(machineId)?.kind ?? 'wake-on-lan'].bootsFromNetwork === network,
        )
        .map(({ id, machineId }) => ({ machineId, deploymentId: id }))
      found.push(...(await addPowerRequests(tx, targets, orderOf(power, network), by, batch)).busy)
    }
    return found
  })
  if (busy.length > 0)
    throw new ConflictError(`${busy.length} machines have another power request that has not ended: nothing was armed`)
}

/** The power requests of deployments, by deployment. */
export async function findPowerOfDeployments(db: Db, ids: string[]) {
  const found = await powerOfDeployments(db, ids)
  return new Map([...found].map(([id, request]) => [id, viewOf(request)]))
}

function viewOf({ id, action, state, message }: PowerRequest) {
  return { id, action, state, ...(message !== null && { message }) }
}
