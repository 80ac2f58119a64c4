import { pino } from 'pino'
import { expect, onTestFinished } from 'vitest'
import { startTftp, type TftpServer, type TftpSettings, type TftpTransferRecord } from '../../src/tftp/server.ts'
import type { OpenCarrier } from '../../src/tftp/sockets/carrier.ts'
import { createLedgerMemory, openLedger } from '../../src/tftp/sockets/ledger.ts'
import { loadSystemCalls } from '../../src/tftp/sockets/system-calls.ts'
import { openSystemSockets } from '../../src/tftp/sockets/system-sockets.ts'
import { openRawClient, type RawClient } from './raw-client.ts'

export type Served = { server: TftpServer; records: TftpTransferRecord[] }

/** A server on a free port of 127.0.0.1 with these files, stopped when the test ends. */
export async function serve(
  files: Record<string, Buffer>,
  settings: Partial<TftpSettings> = {},
  record?: (record: TftpTransferRecord) => void,
  openCarrier?: OpenCarrier,
): Promise<Served> {
  const records: TftpTransferRecord[] = []
  const all: TftpSettings = {
    host: '127.0.0.1',
    port: 0,
    maxBlockSize: 65464,
    maxWindowSize: 64,
    maxTransfers: 100,
    maxTransfersPerAddress: 100,
    transferTimeoutMs: 60_000,
    singlePort: false,
    allows: () => true,
    ...settings,
  }
  const keep = record ?? ((entry: TftpTransferRecord) => void records.push(entry))
  const server = await startTftp(all, (name) => files[name], keep, pino({ level: 'silent' }), undefined, openCarrier)
  onTestFinished(() => server.stop(0))
  return { server, records }
}

/** The same server over the calls of the system, beside the client in one event loop: so it never waits for datagrams. */
const serveBySystem: typeof serve = (files, settings, record) => {
  const calls = loadSystemCalls()
  if (calls === undefined) throw new Error('this system lacks the calls')
  const openFiles = createLedgerMemory(1000)
  const sockets = openSystemSockets(calls, openLedger(openFiles), 0)
  // Runs after the stop of the server, which is registered later.
  onTestFinished(() => {
    sockets.close()
    expect(openFiles.every((file) => file === 0)).toBe(true)
  })
  return serve(files, settings, record, sockets.open)
}

/** The ways to carry packets, for `describe.each`: all of them on this system. */
export const carriers: [name: string, serve: typeof serve][] = [
  ['the sockets of Node', serve],
  ...(loadSystemCalls() === undefined ? [] : [['the calls of the system', serveBySystem] as [string, typeof serve]]),
]

/** A raw client, closed when the test ends. */
export async function rawClient(): Promise<RawClient> {
  const client = await openRawClient()
  onTestFinished(() => client.close())
  return client
}

/** Bytes that differ from block to block, the same in every run. */
export function content(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  // A linear congruential generator (Numerical Recipes): its high byte does not repeat with any block size.
  for (let at = 0, state = size; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[at] = state >>> 24
  }
  return bytes
}

/** The outcomes of the transfers, once `count` transfers have ended. */
export async function outcomes(records: TftpTransferRecord[], count: number, timeoutMs = 5000): Promise<string[]> {
  const until = performance.now() + timeoutMs
  while (records.length < count && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
  return records.map(({ outcome }) => outcome)
}
