// Chooses the transfer to evict for another client. Called by server.ts.
import type { Transfer } from './transfer.ts'

/** A client acknowledges the first packet at once; a client that has not after this time may not exist. */
const unansweredMs = 200
/** A client that stopped in the middle may only be slow: its flash memory, its line. */
const stalledMs = 10_000
/** A stopping server does not wait for a transfer without an answer for this time. */
const forgottenMs = 1000

/**
 * The transfer to evict for another client: one that was never answered, else one that stalled, and among these the
 * one silent for longest. Undefined while all progress.
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
