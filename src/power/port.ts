// The port to the power of one machine. Each kind implements it: wake/ and redfish/.
import type { ReportedPower } from '../model/power/power.ts'

/** What an action did, for people, and the power of the machine afterwards if it is known. */
export type PowerResult = { message: string; power?: ReportedPower }

/**
 * The power of one machine. Every function resolves when the machine has reached the state, and rejects with a PowerError that
 * names what was refused. A kind that cannot do something has no such function (`powerCan` in model/power/power.ts).
 */
export type PowerPort = {
  on: () => Promise<PowerResult>
  /** @param force switches off at once, without asking the operating system */
  off?: (force: boolean) => Promise<PowerResult>
  /** Restarts a machine at once, and switches on one that is off. */
  cycle?: () => Promise<PowerResult>
  state?: () => Promise<PowerResult>
  /** Makes the next boot, and only that boot, a network boot. */
  bootFromNetwork?: () => Promise<PowerResult>
  /** Ends the session of the port. */
  close: () => Promise<void>
}

/** A machine could not be powered. The message is for operators, and has no credentials. */
export class PowerError extends Error {
  override name = 'PowerError'
}
