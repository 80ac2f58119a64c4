// The TFTP server: requests, limits, transfers. Called by thread/program.ts.
import { messageOf } from '../lib/errors.ts'
import type { Metrics } from '../lib/metrics.ts'
import { createDataPackets } from './data-packets.ts'
import type { TftpLog } from './log.ts'
import { cleanName } from './name.ts'
import { negotiate } from './options.ts'
import { errorCodes, formatError, parseRequest, type TftpRequest } from './packet.ts'
import type { Carrier, OpenCarrier } from './sockets/carrier.ts'
import { blockSizeOf, type Datagram, listenEverywhere } from './sockets/listen.ts'
import { openNodeCarrier } from './sockets/node-carrier.ts'
import { findStuck, isForgotten } from './stuck.ts'
import { startTransfer, type Transfer, type TransferEnd } from './transfer.ts'

export type TftpSettings = {
  /** `0.0.0.0`: every local address. */
  host: string
  /** 0: any free port. */
  port: number
  maxBlockSize: number
  maxWindowSize: number
  maxTransfers: number
  maxTransfersPerAddress: number
  transferTimeoutMs: number
  /** Whether answers come from the listening port, for clients behind NAT and servers in containers. */
  singlePort: boolean
  /** Whether an address is served. Other addresses get no answer. */
  allows: (address: string) => boolean
}

/** How a transfer ended. A `probe` fetched only the size, which is not a failure. */
export type TftpTransferRecord = {
  peer: string
  file: string
  bytes: number
  durationMs: number
  outcome: TransferEnd['outcome'] | 'not-found' | 'refused'
  resentPackets?: number
  message?: string
}

/** Finds the bytes of a clean name. `localAddress` is the address that the client used, undefined if unknown. */
export type FindNbp = (name: string, localAddress: string | undefined) => Uint8Array | undefined

export type TftpServer = {
  addresses: string[]
  port: number
  /** The number of running transfers. */
  transfers: () => number
  /** Refuses new requests, waits for running transfers until the timeout, then aborts them with an error. */
  stop: (timeoutMs?: number) => Promise<void>
}

/** What counts transfers. Bytes are counted when a transfer ends. */
export type TftpMetrics = Pick<
  Metrics,
  'transferStarted' | 'transferBytes' | 'transferEnded' | 'transferRefused' | 'tftpRetransmissions' | 'tftpProbe'
>

type Running = { transfer: Transfer; carrier: Carrier; address: string; request: Buffer }

/** A repeated request may arrive this long after the transfer made progress. */
const lateMs = 1000
/** A repeated request may arrive this long after the transfer ended. Later, another client may have got the same port. */
const lateAfterEndMs = 100
/** Addresses and their MTU rarely change, and reading them takes a millisecond. */
const cacheBlockSizeMs = 3000

/**
 * A read-only TFTP server for the files of `find`, from memory (RFC 1350, 2347, 2348, 2349, 7440). Invalid packets get no
 * answer, so the server does not reflect them. `record` gets every answered request.
 * @throws the system's error if the port cannot be bound
 */
export async function startTftp(
  settings: TftpSettings,
  find: FindNbp,
  record: (record: TftpTransferRecord) => void,
  log: TftpLog,
  metrics?: TftpMetrics,
  openCarrier: OpenCarrier = openNodeCarrier,
): Promise<TftpServer> {
  const running = new Map<string, Running>()
  const justServed = new Map<string, Buffer>()
  const packetsOf = createDataPackets()
  const blockSizeFor = cached(blockSizeOf, cacheBlockSizeMs)
  let stopping = false

  const report = (entry: TftpTransferRecord) => {
    const { peer, file, bytes, durationMs: ms, outcome, resentPackets, message } = entry
    log[levelOf(outcome)]({ peer, file, bytes, ms, outcome, ...(resentPackets && { resentPackets }), message }, 'tftp')
    metrics?.transferBytes('tftp', bytes)
    if (outcome === 'probe') metrics?.tftpProbe()
    if (resentPackets) metrics?.tftpRetransmissions(resentPackets)
    try {
      record(entry)
    } catch (error) {
      log.error({ error: messageOf(error) }, 'TFTP transfer was not recorded')
    }
  }

  const handle = (datagram: Datagram) => {
    const { bytes, address, port, answer } = datagram
    if (!settings.allows(address)) return
    const key = `${address}:${port}`
    const request = parseRequest(bytes)
    if (request === undefined) {
      if (settings.singlePort) running.get(key)?.transfer.receive(bytes)
      return
    }
    // The client sent its last ACK, or its ERROR after a size probe, before this request.
    running.get(key)?.carrier.readWaiting?.()
    const before = running.get(key)
    if (before?.request.equals(bytes) && before.transfer.isFresh()) return before.transfer.repeat()
    if (before?.request.equals(bytes) && before.transfer.idleMs() < lateMs) return
    if (justServed.get(key)?.equals(bytes)) return
    if (stopping) return
    const file = cleanName(request.file)
    const refusal = refusalOf(request)
    const content = refusal === undefined && file !== undefined ? find(file, datagram.localAddress) : undefined
    if (content === undefined) {
      const [code, message] = refusal ?? [errorCodes.notFound, 'There is no such file']
      answer(formatError(code, message))
      const outcome = refusal === undefined ? 'not-found' : 'refused'
      metrics?.transferStarted('tftp')
      metrics?.transferEnded('tftp', outcome)
      return report({
        peer: key,
        file: file ?? request.file.toString('latin1').slice(0, 200),
        bytes: 0,
        durationMs: 0,
        outcome,
        message,
      })
    }
    // EDK2 requests the size and then the file from the same port. The end of the first request may be lost.
    before?.transfer.cancel()
    if (!freeSlot(address)) {
      metrics?.transferRefused('tftp')
      return log.debug({ peer: key }, 'too many TFTP transfers: the client will retry')
    }
    begin(datagram, request, file as string, content)
  }

  const freeSlot = (address: string): boolean => {
    const all = [...running.values()]
    const own = all.filter((transfer) => transfer.address === address)
    const ownFull = own.length >= settings.maxTransfersPerAddress
    if (!ownFull && all.length < settings.maxTransfers) return true
    const stuck = findStuck((ownFull ? own : all).map(({ transfer }) => transfer))
    stuck?.displace()
    return stuck !== undefined
  }

  const begin = (
    { bytes: requestBytes, address, port, localAddress, answer }: Datagram,
    request: TftpRequest,
    file: string,
    content: Uint8Array,
  ) => {
    const key = `${address}:${port}`
    const asked = Buffer.from(requestBytes)
    const started = performance.now()
    const maxBlockSize = Math.min(settings.maxBlockSize, blockSizeFor(localAddress))
    const options = negotiate(request.options, {
      sizeBytes: content.length,
      maxBlockSize,
      maxWindowSize: settings.maxWindowSize,
    })
    const carrier = settings.singlePort
      ? { send: answer, receiveFor: () => {}, close: () => {} }
      : openCarrier(localAddress, address, port)
    const transfer = startTransfer({
      sizeBytes: content.length,
      packets: packetsOf(content, options.blockSize),
      options,
      lifetimeMs: settings.transferTimeoutMs,
      send: carrier.send,
      ended: (end) => {
        carrier.close()
        metrics?.transferEnded('tftp', end.outcome)
        if (running.get(key)?.transfer === transfer) running.delete(key)
        if (end.outcome === 'complete') {
          justServed.set(key, asked)
          setTimeout(() => justServed.delete(key), lateAfterEndMs).unref()
        }
        report({ peer: key, file, durationMs: Math.round(performance.now() - started), ...end })
      },
    })
    metrics?.transferStarted('tftp')
    running.set(key, { transfer, carrier, address, request: asked })
    carrier.receiveFor(transfer)
  }

  const listeners = await listenEverywhere(settings.host, settings.port, guarded(handle, log), log)
  return {
    addresses: listeners.addresses(),
    port: listeners.port,
    transfers: () => running.size,
    stop: async (timeoutMs = 5000) => {
      stopping = true
      const until = performance.now() + timeoutMs
      while (performance.now() < until && [...running.values()].some(({ transfer }) => !isForgotten(transfer)))
        await new Promise((resolve) => setTimeout(resolve, 20))
      for (const { transfer } of [...running.values()]) transfer.cancel('The server is shutting down')
      // Node looks up even a numeric address before it sends. A socket that closes in this turn would not send.
      await new Promise((resolve) => setImmediate(resolve))
      listeners.close()
    },
  }
}

function levelOf(outcome: TftpTransferRecord['outcome']): 'debug' | 'info' | 'warn' {
  // A flood of forged requests must not flood the log.
  if (outcome === 'displaced') return 'debug'
  return outcome === 'timeout' || outcome === 'aborted' ? 'warn' : 'info'
}

function refusalOf(request: TftpRequest): [code: number, message: string] | undefined {
  if (request.kind === 'write') return [errorCodes.accessViolation, 'This server is read-only']
  return request.mode === 'octet' ? undefined : [errorCodes.undefined, 'Only octet mode is supported']
}

/** Caches the results of a function for `forMs` milliseconds. */
function cached<In, Out>(work: (input: In) => Out, forMs: number): (input: In) => Out {
  const results = new Map<In, { result: Out; at: number }>()
  return (input) => {
    const now = performance.now()
    const earlier = results.get(input)
    if (earlier !== undefined && now - earlier.at < forMs) return earlier.result
    const result = work(input)
    results.set(input, { result, at: now })
    return result
  }
}

/** Catches errors: a datagram must never end the process. */
function guarded(handle: (datagram: Datagram) => void, log: TftpLog): (datagram: Datagram) => void {
  return (datagram) => {
    try {
      handle(datagram)
    } catch (error) {
      log.error(
        { peer: `${datagram.address}:${datagram.port}`, error: messageOf(error) },
        'TFTP datagram caused an error',
      )
    }
  }
}
