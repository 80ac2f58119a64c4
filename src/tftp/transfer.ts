// Sends a file to a client, without sockets of its own. Called by server.ts.
// The global of the same name is a getter, which costs more than the call.
import { performance } from 'node:perf_hooks'
import type { DataPackets } from './data-packets.ts'
import type { TransferOptions } from './options.ts'
import { ackBlock, formatError, formatOack, parseError } from './packet.ts'
import type { Carrier } from './sockets/carrier.ts'

export type TransferOutcome = 'complete' | 'probe' | 'aborted' | 'timeout' | 'displaced'
/** `resentPackets`: the number of retransmitted packets. */
export type TransferEnd = { outcome: TransferOutcome; bytes: number; resentPackets: number; message?: string }

/** A running transfer. It knows packets and time, but not sockets. */
export type Transfer = {
  /** Handles a datagram from the client. Never throws. */
  receive: (datagram: Buffer) => void
  /** True while the client has acknowledged nothing: a repeat of its request is a retransmission. */
  isFresh: () => boolean
  /** Milliseconds since the client last acknowledged something new, or since the start. */
  idleMs: () => number
  /** Retransmits unacknowledged packets, because the client repeated its request. */
  repeat: () => void
  /** Ends the transfer. With a message, the client gets an error. */
  cancel: (message?: string) => void
  /** Ends the transfer of an unreachable client, without a packet. */
  fail: (message: string) => void
  /** Ends the transfer of a silent client in favour of another client, without a packet. */
  displace: () => void
}

type Parts = {
  sizeBytes: number
  packets: DataPackets
  options: TransferOptions
  lifetimeMs: number
  send: Carrier['send']
  ended: (end: TransferEnd) => void
}

const firstTimeoutMs = 500
const minTimeoutMs = 200
const maxTimeoutMs = 4000
const maxTries = 7
/** The limit before the first ACK: the address may be forged, and its owner would get all packets. */
const maxUnansweredData = 2

/**
 * Starts a transfer. Block numbers start at 1 and do not wrap here. The last block is short, or empty if the size is a
 * multiple of the block size (RFC 1350, 6). Windows follow RFC 7440.
 */
export function startTransfer({ sizeBytes, packets, options, lifetimeMs, send, ended }: Parts): Transfer {
  const { blockSize, windowSize, accepted } = options
  const lastBlock = Math.floor(sizeBytes / blockSize) + 1
  let negotiating = accepted.length > 0
  let acknowledged = 0
  let sentUpTo = 0
  let done = false
  let tries = 0
  let resent = false
  let highestSent = -1
  let resentPackets = 0
  let timeoutMs = options.timeoutMs ?? firstTimeoutMs
  let sentAt = 0
  let movedAt = performance.now()
  let dueAt = 0
  let timer: NodeJS.Timeout | undefined
  let timerAt = 0
  let afterReading: NodeJS.Immediate | undefined
  const lifetime = setTimeout(() => finish('timeout', `longer than ${lifetimeMs / 1000} s`), lifetimeMs)

  const sendWindow = (now = performance.now()) => {
    if (negotiating) {
      count(0)
      send(formatOack(accepted))
    } else {
      sentUpTo = Math.min(acknowledged + windowSize, lastBlock)
      for (let block = acknowledged + 1; block <= sentUpTo; block++) {
        count(block)
        send(packets(block))
      }
    }
    sentAt = now
    wait()
  }
  // The OACK counts as block 0.
  const count = (block: number) => {
    if (block <= highestSent) resentPackets += 1
    highestSent = Math.max(highestSent, block)
  }
  const isFresh = () => !done && acknowledged === 0 && (negotiating || accepted.length === 0)
  const wait = () => {
    clearImmediate(afterReading)
    // A client that has not answered cannot demand a timeout of minutes.
    dueAt = sentAt + (isFresh() ? Math.min(timeoutMs, maxTimeoutMs) : timeoutMs)
    // A timer that fires early starts again: cheaper than a new timer for every packet.
    if (timer === undefined || timerAt > dueAt) startTimer()
  }
  const startTimer = () => {
    clearTimeout(timer)
    timerAt = dueAt
    timer = setTimeout(fired, Math.max(1, dueAt - performance.now()))
  }
  const fired = () => {
    timer = undefined
    // After a busy period, timers run before sockets are read. The immediate lets waiting packets arrive first.
    if (performance.now() >= dueAt - 1) afterReading = setImmediate(expire)
    else startTimer()
  }
  const stopWaiting = () => {
    clearTimeout(timer)
    clearImmediate(afterReading)
  }
  const expire = () => {
    tries += 1
    if (tries > maxTries) return finish('timeout', `no answer to ${tries} tries`)
    // A client may set its timeout (RFC 2349). Otherwise each try doubles the timeout.
    if (options.timeoutMs === undefined) timeoutMs = Math.min(timeoutMs * 2, maxTimeoutMs)
    resent = true
    if (isFresh() && !negotiating && tries > maxUnansweredData) {
      sentAt = performance.now()
      wait()
    } else sendWindow()
  }
  const progress = (block: number, partial: boolean) => {
    // Karn's algorithm: the answer to a retransmission does not measure the round-trip time.
    const now = performance.now()
    if (!resent && options.timeoutMs === undefined)
      timeoutMs = Math.max(minTimeoutMs, Math.min(maxTimeoutMs, 4 * (now - sentAt)))
    acknowledged = block
    movedAt = now
    tries = 0
    // After a partial window the next packets are a resend: stale duplicates must not cause another.
    resent = partial
    if (acknowledged === lastBlock) finish('complete')
    else sendWindow(now)
  }
  const acknowledge = (number: number) => {
    if (negotiating) {
      if (number !== 0) return
      negotiating = false
      return progress(0, false)
    }
    const ahead = (number - acknowledged) & 0xffff
    const outstanding = sentUpTo - acknowledged
    if (ahead >= 1 && ahead <= outstanding) return progress(acknowledged + ahead, ahead < outstanding)
    // A repeated ACK. With windows, it means that the first block of the window was lost. Without windows it is only a
    // duplicate, and answering it would double the traffic forever (RFC 1123, 4.2.3.1). Each window is resent once.
    if (ahead === 0 && windowSize > 1 && !resent) {
      resent = true
      sendWindow()
    }
  }
  const finish = (outcome: TransferOutcome, message?: string) => {
    if (done) return
    done = true
    stopWaiting()
    clearTimeout(lifetime)
    ended({
      outcome,
      bytes: Math.min(acknowledged * blockSize, sizeBytes),
      resentPackets,
      ...(message !== undefined && { message }),
    })
  }
  // UEFI requests only the size, and ends the transfer with an error when it has the size. This is not a failure.
  const isProbe = () => negotiating && options.asksSize

  sendWindow()
  return {
    receive: (datagram) => {
      if (done) return
      const block = ackBlock(datagram)
      if (block !== undefined) return acknowledge(block)
      const error = parseError(datagram)
      if (error !== undefined)
        finish(isProbe() ? 'probe' : 'aborted', `client: error ${error.code} ${error.message}`.trim())
    },
    isFresh,
    idleMs: () => performance.now() - movedAt,
    repeat: () => {
      if (!done && !resent) sendWindow()
    },
    cancel: (message) => {
      if (done) return
      if (message !== undefined) send(formatError(0, message))
      finish(isProbe() ? 'probe' : 'aborted', message ?? 'replaced by a new request')
    },
    fail: (message) => finish(isProbe() ? 'probe' : 'aborted', message),
    displace: () => finish('displaced', 'no answer, displaced by another client'),
  }
}
