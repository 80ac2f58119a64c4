// One file on its way to one client, without sockets. Called by server.ts.
import type { TransferOptions } from './options.ts'
import { formatData, formatError, formatOack, parseReply } from './packet.ts'

export type TransferOutcome = 'complete' | 'probe' | 'aborted' | 'timeout' | 'displaced'
export type TransferEnd = { outcome: TransferOutcome; bytes: number; message?: string }

/** One file on its way to one client; knows packets and time, and nothing of sockets. */
export type Transfer = {
  /** A datagram from the client. Whatever it holds, it cannot throw. */
  receive: (datagram: Buffer) => void
  /** True while the client has acknowledged nothing: a repeat of its request is a retransmission. */
  isFresh: () => boolean
  /** Milliseconds since the client last acknowledged something new, or since the start. */
  idleMs: () => number
  /** Sends again what is unacknowledged: the client's request came twice. */
  repeat: () => void
  /** Aborts the transfer; a message is sent to the client. */
  cancel: (message?: string) => void
  /** Ends it without a word to the client, who cannot be reached. */
  fail: (message: string) => void
  /** Ends it without a word to the client, who does not answer, in favour of another. */
  displace: () => void
}

type Parts = {
  bytes: Uint8Array
  options: TransferOptions
  lifetimeMs: number
  send: (packet: Buffer) => void
  ended: (end: TransferEnd) => void
}

const firstTimeoutMs = 500
const shortestTimeoutMs = 200
const longestTimeoutMs = 4000
const mostTries = 7
/** The same before the client has acknowledged anything: its address may be forged, and its owner gets all that is sent. */
const maxUnansweredData = 2

/**
 * Starts to send. Blocks are counted from 1 without wrapping here; the last is short, or empty when the size is a
 * multiple of the block size (RFC 1350, 6). Windows by RFC 7440.
 */
export function startTransfer({ bytes, options, lifetimeMs, send, ended }: Parts): Transfer {
  const { blockSize, windowSize, accepted } = options
  const lastBlock = Math.floor(bytes.length / blockSize) + 1
  let negotiating = accepted.length > 0
  let acknowledged = 0
  let sentUpTo = 0
  let done = false
  let tries = 0
  let resent = false
  let timeoutMs = options.timeoutMs ?? firstTimeoutMs
  let sentAt = 0
  let movedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  let afterReading: NodeJS.Immediate | undefined
  const lifetime = setTimeout(() => finish('timeout', `longer than ${lifetimeMs / 1000} s`), lifetimeMs)

  const sendWindow = () => {
    if (negotiating) send(formatOack(accepted))
    else {
      sentUpTo = Math.min(acknowledged + windowSize, lastBlock)
      for (let block = acknowledged + 1; block <= sentUpTo; block++)
        send(formatData(block, bytes.subarray((block - 1) * blockSize, block * blockSize)))
    }
    sentAt = performance.now()
    wait()
  }
  const isFresh = () => !done && acknowledged === 0 && (negotiating || accepted.length === 0)
  const wait = () => {
    stopWaiting()
    // A client that has not answered cannot request minutes of waiting.
    const waitMs = isFresh() ? Math.min(timeoutMs, longestTimeoutMs) : timeoutMs
    // A process that was busy for this time finds its timers due before it reads the packets that arrived: read them first.
    timer = setTimeout(() => {
      afterReading = setImmediate(expire)
    }, waitMs)
  }
  const stopWaiting = () => {
    clearTimeout(timer)
    clearImmediate(afterReading)
  }
  const expire = () => {
    tries += 1
    if (tries > mostTries) return finish('timeout', `no answer to ${tries} tries`)
    // A client that named its own time goes by that (RFC 2349); otherwise be slower each time.
    if (options.timeoutMs === undefined) timeoutMs = Math.min(timeoutMs * 2, longestTimeoutMs)
    resent = true
    if (isFresh() && !negotiating && tries > maxUnansweredData) wait()
    else sendWindow()
  }
  const progress = (block: number, partial: boolean) => {
    // Karn: an answer to something sent twice says nothing of the time it took.
    if (!resent && options.timeoutMs === undefined)
      timeoutMs = Math.max(shortestTimeoutMs, Math.min(longestTimeoutMs, 4 * (performance.now() - sentAt)))
    acknowledged = block
    movedAt = performance.now()
    tries = 0
    // What follows a partial window is a resend already: stale duplicates must not cause another.
    resent = partial
    if (acknowledged === lastBlock) finish('complete')
    else sendWindow()
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
    // The same ACK again. With windows it means that the first block of the window was lost. Without, it is only a
    // duplicate, and answering each would double the traffic forever (RFC 1123, 4.2.3.1). One resend a window.
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
      bytes: Math.min(acknowledged * blockSize, bytes.length),
      ...(message !== undefined && { message }),
    })
  }
  // UEFI asks for the size alone, and ends that with an error once it has it: nothing went wrong.
  const isProbe = () => negotiating && options.asksSize

  sendWindow()
  return {
    receive: (datagram) => {
      const reply = done ? undefined : parseReply(datagram)
      if (reply?.kind === 'ack') acknowledge(reply.block)
      if (reply?.kind === 'error')
        finish(isProbe() ? 'probe' : 'aborted', `client: error ${reply.code} ${reply.message}`.trim())
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
    displace: () => finish('displaced', 'no answer, and another client asked'),
  }
}
