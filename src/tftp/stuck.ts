// Which transfer makes room for another client. Called by server.ts.
import type { Transfer } from './transfer.ts'

/** A client acknowledges the first packet at once; whoever has not after this long may not exist. */
const unansweredMs = 200
/** A client that stopped in the middle may only be slow: its flash memory, its line. */
const stalledMs = 10_000
/** A transfer that nobody answered for so long is not waited for when the server stops. */
const forgottenMs = 1000

/**
 * The transfer that makes room for another client: one that was never answered, else one that stalled, and of these the one
 * that is silent for longest. Undefined while all go on.
 */
export function findStuck(transfers: Transfer[]): Transfer | undefined {
  const unanswered = transfers.filter((one) => one.isFresh() && one.idleMs() > unansweredMs)
  const stalled = transfers.filter((one) => one.idleMs() > stalledMs)
  const candidates = unanswered.length > 0 ? unanswered : stalled
  return candidates.reduce<Transfer | undefined>(
    (longest, one) => (longest === undefined || one.idleMs() > longest.idleMs() ? one : longest),
    undefined,
  )
}

/** Whether a transfer never had an answer, and will hardly have one. */
export function isForgotten(transfer: Transfer): boolean {
  return transfer.isFresh() && transfer.idleMs() > forgottenMs
}
