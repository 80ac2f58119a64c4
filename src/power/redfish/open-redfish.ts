// Redfish (DMTF DSP0266): the power of a machine through its BMC.
import type { VerifyTls } from '../../model/power/power.ts'
import type { PowerPort } from '../port.ts'
import { bootFromNetwork } from './boot-override.ts'
import { type BmcLimits, openBmcHttp } from './http.ts'
import { powerCycle, powerOff, powerOn, type ResetTimes } from './reset.ts'
import { type Credentials, signIn } from './session.ts'
import { checkIdentity, type Expected, findSystem, powerOf, readSystem } from './system.ts'

export type RedfishTarget = Credentials & {
  url: string
  system?: string | undefined
  verifyTls: VerifyTls
  /** The machine that the BMC must belong to; undefined: any. */
  expected: Expected | undefined
}

export type RedfishTimes = ResetTimes & BmcLimits & { connectMs: number; closeMs: number }

export const usualRedfishTimes: RedfishTimes = {
  ...{ connectMs: 10_000, closeMs: 10_000, answerMs: 30_000, retryMs: 2000, maxBytes: 2 ** 20 },
  ...{ pollMs: 3000, switchMs: 60_000, shutdownMs: 180_000 },
}

/**
 * Signs in at a BMC, and finds the system of the machine.
 * @param permitted subnets of BMCs, BOOTWRIGHT_BMC_SUBNETS @throws PowerError
 */
export async function openRedfish(
  { url, system: named, verifyTls, expected, ...credentials }: RedfishTarget,
  permitted: string[],
  times: RedfishTimes,
  signal: AbortSignal,
): Promise<Required<PowerPort>> {
  let headers: Record<string, string> = {}
  const address = { url: new URL(url), verifyTls, permitted, connectMs: times.connectMs }
  const http = openBmcHttp(address, times, () => headers, signal)
  // With a slash: some BMCs redirect the path without it.
  const { body: root } = await http.get('/redfish/v1/')
  const session = await signIn(http, root, credentials)
  headers = session.headers
  // A session is closed also when the action was interrupted.
  const closing = openBmcHttp(
    address,
    { ...times, answerMs: times.closeMs },
    () => headers,
    new AbortController().signal,
  )
  const close = () => session.close(closing)
  try {
    const { path, body, etag } = await findSystem(http, root, named)
    if (expected !== undefined) checkIdentity({ path, body, etag }, expected)
    const current = async () => ({ http, system: await readSystem(http, path), times, signal })
    return {
      on: async () => powerOn(await current()),
      off: async (force) => powerOff(await current(), force),
      cycle: async () => powerCycle(await current()),
      bootFromNetwork: async () => bootFromNetwork(await current()),
      state: async () => {
        const power = powerOf(await readSystem(http, path))
        return { power, message: `the machine is ${power === 'changing' ? 'changing its power' : power}` }
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
