// Powers machines: takes requests from the queue, a few in parallel.
import {
  claimPowerRequests,
  endPowerRequest,
  powerLeaseSeconds,
  prunePowerRequests,
} from '../inventory/machines/power/queue.ts'
import type { PowerEnd, PowerRequest } from '../inventory/machines/power/requests.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { startLoop } from '../lib/time/loop.ts'
import { type PowerDeps, performPower } from './perform.ts'

export type PowerRunner = {
  /** Looks for waiting requests immediately. */
  wake: () => void
  /** Interrupts running requests, which fail. Requests that wait stay for the next start, or for other servers. */
  stop: () => Promise<void>
}

export type PowerTimes = {
  /** The maximum number of machines at the same time, on all servers of the database together. */
  atOnce: number
  /** Milliseconds between two looks for new requests. */
  lookEveryMs: number
  /** Milliseconds after which a running request fails. Shorter than its lease. */
  maxRunMs: number
  /** Days to keep the records of requests that ended. */
  keepDays: number
}

export const usualPowerTimes = { lookEveryMs: 3000, maxRunMs: (powerLeaseSeconds - 120) * 1000, keepDays: 90 }

const hourMs = 3_600_000
const maxMessage = 1000

/** Starts to power machines. Nothing is powered that no request asks for, and no request is tried twice. */
export function startPower(deps: PowerDeps & { log: Logger }, times: PowerTimes): PowerRunner {
  const { db, log } = deps
  const active = new Set<Promise<void>>()
  const stopped = new AbortController()
  let prunedAt = 0

  const begin = (request: PowerRequest) => {
    const ended = runPower(deps, request, stopped.signal, times.maxRunMs).then(() => {
      active.delete(ended)
      loop.wake()
    })
    active.add(ended)
  }
  const look = async () => {
    for (const request of await claimPowerRequests(db, times.atOnce)) begin(request)
    if (Date.now() - prunedAt < hourMs) return false
    prunedAt = Date.now()
    await prunePowerRequests(db, times.keepDays)
    return false
  }
  const loop = startLoop(look, { name: 'power loop', everyMs: times.lookEveryMs, log })
  return {
    wake: loop.wake,
    stop: async () => {
      await loop.stop()
      stopped.abort(new Error('the server stopped during the action: look at the power of the machine'))
      await Promise.all(active)
    },
  }
}

/** Runs one request to its end. Never rejects. */
async function runPower(
  deps: PowerDeps & { log: Logger },
  request: PowerRequest,
  stopped: AbortSignal,
  maxRunMs: number,
): Promise<void> {
  const { db, log } = deps
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new Error(`not done within ${maxRunMs / 1000} s`)), maxRunMs)
  const signal = AbortSignal.any([stopped, late.signal])
  const end = await performPower(deps, request, signal).catch(
    (error: unknown): PowerEnd => ({ state: 'failed', message: messageOf(signal.aborted ? signal.reason : error) }),
  )
  clearTimeout(timer)
  const { id, machineId: machine, action } = request
  const message = end.message?.slice(0, maxMessage) ?? null
  log[end.state === 'failed' ? 'warn' : 'info']({ power: id, machine, action, state: end.state, message }, 'power')
  await endPowerRequest(db, request, { ...end, message }).catch((error: unknown) =>
    // Its lease ends, and then another look records that it failed.
    log.warn({ power: id, machine, error: messageOf(error) }, 'could not record how a power request ended'),
  )
}
