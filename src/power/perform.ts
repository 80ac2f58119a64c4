// Performs one request for the power of a machine.
import type { Db } from '../db/open.ts'
import { findMachine } from '../inventory/machines/machines.ts'
import { mayBegin } from '../inventory/machines/power/queue.ts'
import type { PowerEnd, PowerRequest } from '../inventory/machines/power/requests.ts'
import { findPower, type MachinePower, openPassword } from '../inventory/machines/power/settings.ts'
import { realValue } from '../lib/ids/placeholders.ts'
import { parseUuid } from '../lib/ids/uuid.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Machine } from '../model/machine.ts'
import { whyCannot } from '../model/power/power.ts'
import { PowerError, type PowerPort, type PowerResult } from './port.ts'
import { openRedfish, type RedfishTimes } from './redfish/open-redfish.ts'
import { openWake } from './wake/open-wake.ts'

export type PowerDeps = { db: Db; sealer: Sealer; bmcSubnets: string[]; times: RedfishTimes }

/** Performs a request, and returns its end. @throws an error of the machine, the BMC or the database */
export async function performPower(deps: PowerDeps, request: PowerRequest, signal: AbortSignal): Promise<PowerEnd> {
  const { db } = deps
  const machine = await findMachine(db, { id: request.machineId })
  const power = machine && (await findPower(db, machine.id))
  if (machine === undefined || power === undefined) throw new PowerError('the power setting of the machine was deleted')
  const why = whyCannot(power.setting.kind, request)
  if (why !== undefined) throw new PowerError(why)
  const password = openPassword(deps.sealer, power)
  try {
    const port = await openPort(deps, machine, power, password, signal)
    try {
      // Asked last, because the queue and the BMC take their time.
      if (!(await mayBegin(db, request)))
        return { state: 'cancelled', message: 'the deployment began or ended before, so the machine was left alone' }
      const { message, power: reported } = await act(port, request)
      return { state: 'done', message, ...(reported && { power: reported }) }
    } finally {
      await port.close()
    }
  } catch (error) {
    throw withoutPassword(error, password)
  }
}

async function openPort(
  { bmcSubnets, times }: PowerDeps,
  machine: Machine,
  { setting }: MachinePower,
  password: string,
  signal: AbortSignal,
): Promise<PowerPort> {
  if (setting.kind === 'wake-on-lan') return openWake({ macs: machine.macs, lastIp: machine.facts.ip })
  const expected = setting.checkIdentity ? expectedOf(machine) : undefined
  return openRedfish({ ...setting, password, expected }, bmcSubnets, times, signal)
}

async function act(port: PowerPort, { action, network, force }: PowerRequest): Promise<PowerResult> {
  const work = { on: port.on, off: port.off && (() => port.off?.(force)), cycle: port.cycle, state: port.state }[action]
  if (work === undefined || (network && port.bootFromNetwork === undefined))
    throw new PowerError(`this kind of power cannot do ${action}`)
  // The boot device comes first: if it cannot be set, the machine is not restarted for nothing.
  const prepared = network ? await port.bootFromNetwork?.() : undefined
  const done = (await work()) as PowerResult
  return prepared === undefined ? done : { ...done, message: `${prepared.message}; ${done.message}` }
}

function expectedOf({ uuid, serial, facts }: Machine) {
  const uuids = [uuid, facts.uuid].flatMap((text) => (text === undefined ? [] : (parseUuid(text) ?? [])))
  const serials = [serial, facts.serial].flatMap((text) => realValue(text) ?? [])
  return { uuids: [...new Set(uuids)], serials }
}

/** A BMC may repeat what it was sent. */
function withoutPassword(error: unknown, password: string): unknown {
  if (!(error instanceof Error) || password.length < 3 || !error.message.includes(password)) return error
  return new PowerError(error.message.replaceAll(password, '******'))
}
