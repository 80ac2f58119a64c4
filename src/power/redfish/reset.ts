// Power on, off and cycle: the action ComputerSystem.Reset.
import { setTimeout as wait } from 'node:timers/promises'
import type { ReportedPower } from '../../model/power/power.ts'
import { PowerError, type PowerResult } from '../port.ts'
import { type BmcHttp, requireOk } from './http.ts'
import { textIn } from './resource.ts'
import { pathOf } from './session.ts'
import { type BmcSystem, powerOf, readSystem, resetActionOf } from './system.ts'

export type ResetTimes = {
  /** Milliseconds between two looks at the power state. */
  pollMs: number
  /** Milliseconds until the machine must be on, or off after a forced switch. */
  switchMs: number
  /** Milliseconds for an operating system to shut down. */
  shutdownMs: number
}

/** The system of a machine, and how to ask its BMC. */
export type PoweredSystem = { http: BmcHttp; system: BmcSystem; times: ResetTimes; signal: AbortSignal }

export async function powerOn(machine: PoweredSystem): Promise<PowerResult> {
  if (powerOf(machine.system) === 'on') return { power: 'on', message: 'the machine is on already' }
  const type = await reset(machine, ['On', 'ForceOn'])
  await waitFor(machine, 'on', machine.times.switchMs)
  return { power: 'on', message: `switched on (${type})` }
}

export async function powerOff(machine: PoweredSystem, force: boolean): Promise<PowerResult> {
  if (powerOf(machine.system) === 'off') return { power: 'off', message: 'the machine is off already' }
  const type = await reset(machine, [force ? 'ForceOff' : 'GracefulShutdown'])
  const limit = force ? machine.times.switchMs : machine.times.shutdownMs
  const next = force ? '' : '. Its operating system may ignore the request. Next step: switch it off with force'
  await waitFor(machine, 'off', limit, next)
  return { power: 'off', message: `switched off (${type})` }
}

/** Restarts at once: a machine that hangs must restart too. */
export async function powerCycle(machine: PoweredSystem): Promise<PowerResult> {
  if (powerOf(machine.system) === 'off') {
    const { message } = await powerOn(machine)
    return { power: 'on', message: `the machine was off: ${message}` }
  }
  const { allowed } = await resetActionOf(machine.http, machine.system)
  const type = ['ForceRestart', 'PowerCycle'].find((each) => allowed?.includes(each) ?? true)
  if (type === undefined) {
    await powerOff(machine, true)
    await reset(machine, ['On', 'ForceOn'])
    await waitFor(machine, 'on', machine.times.switchMs)
    return { power: 'on', message: 'restarted (ForceOff, then On)' }
  }
  await reset(machine, [type])
  // The BMC reports On before, during and after a restart, or Off for a moment.
  await waitFor(machine, 'on', machine.times.switchMs)
  return { power: 'on', message: `restarted (${type})` }
}

/** Asks for the first of these types that the BMC allows. A request that may have arrived is not sent again. */
async function reset({ http, system, times, signal }: PoweredSystem, types: string[]): Promise<string> {
  const { target, allowed } = await resetActionOf(http, system)
  const type = types.find((each) => allowed?.includes(each) ?? true)
  if (type === undefined)
    throw new PowerError(`the BMC does not offer ${types.join(' or ')}. It offers: ${allowed?.join(', ') || 'nothing'}`)
  const answer = requireOk(await http.send('POST', target, { body: { ResetType: type } }), `ResetType ${type}`)
  const monitor =
    answer.status === 202 && answer.headers.location !== undefined ? pathOf(answer.headers.location) : undefined
  if (monitor !== undefined) await followTask(http, monitor, type, times, signal)
  return type
}

/** Waits for a task (DSP0266, "Asynchronous operations"): its monitor answers 202 until the task has ended. */
async function followTask(
  http: BmcHttp,
  monitor: string,
  type: string,
  times: ResetTimes,
  signal: AbortSignal,
): Promise<void> {
  const endAt = performance.now() + times.switchMs
  while (performance.now() < endAt) {
    const answer = await http.send('GET', monitor)
    // Some BMCs delete the monitor of a task that has ended.
    if (answer.status === 404 || answer.status === 410) return
    const state = textIn(requireOk(answer, `the task of ResetType ${type}`).body.TaskState)
    if (state === 'Exception' || state === 'Killed' || state === 'Cancelled')
      throw new PowerError(`the task of ResetType ${type} ended as ${state}`)
    if (answer.status !== 202) return
    await wait(times.pollMs, undefined, { signal })
  }
}

async function waitFor(
  { http, system, times, signal }: PoweredSystem,
  power: ReportedPower,
  limitMs: number,
  next = '',
): Promise<void> {
  const endAt = performance.now() + limitMs
  for (let seen: ReportedPower; ; ) {
    seen = powerOf(await readSystem(http, system.path))
    if (seen === power) return
    if (performance.now() >= endAt)
      throw new PowerError(`the machine is not ${power} after ${Math.round(limitMs / 1000)} s${next}`)
    await wait(times.pollMs, undefined, { signal })
  }
}
