// Chooses the transfer that a new client displaces. Called by server.ts.
import type { Transfer } from './transfer.ts'

/** A client acknowledges the first packet at once. A client that does not within this time may not exist. */
const unansweredMs = 200
/** A silent client may only be slow, because of its flash memory or its link. */
const stalledMs = 10_000
/** On shutdown the server does not wait for clients that did not answer within this time. */
const forgottenMs = 1000

/**
 * The transfer that a new client displaces: an unanswered transfer, else a stalled transfer, each time the one that is silent
 * for longest. Undefined while all transfers make progress.
 */
export function findStuck(transfers: Transfer[]): Transfer | undefined {
  const unanswered = transfers.filter((transfer) => transfer.isFresh() && transfer.idleMs() > unansweredMs)
  const stalled = transfers.filter((transfer) => transfer.idleMs() > stalledMs)
  const candidates = unanswered.length > 0 ? unanswered : stalled
  return candidates.reduce<Transfer | undefined>(
    (longest, transfer) => (longest === undefined || transfer.idleMs() > longest.idleMs() ? transfer : longest),
    undefined,
  )
}

/** Whether a transfer has no answer, and will probably get none. */
export function isForgotten(transfer: Transfer): boolean {
  return transfer.isFresh() && transfer.idleMs() > forgottenMs
}
