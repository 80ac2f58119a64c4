import { expect, test, vi } from 'vitest'
import type { TftpTransferRecord } from '../../src/tftp/server.ts'
import type { Batch } from '../../src/tftp/thread/messages.ts'
import { createOutbox } from '../../src/tftp/thread/outbox.ts'

const record = (file: string): TftpTransferRecord => ({
  peer: '192.0.2.1:2000',
  file,
  bytes: 1,
  durationMs: 1,
  outcome: 'complete',
})
const filesOf = ({ entries }: Batch) => entries.flatMap((entry) => ('record' in entry ? [entry.record.file] : []))

test('an outbox sends a batch only after the last batch was taken', async () => {
  const batches: Batch[] = []
  const outbox = createOutbox((batch) => void batches.push(batch), ['warn'])
  outbox.record(record('a'))
  outbox.record(record('b'))
  await vi.waitFor(() => expect(batches).toHaveLength(1))
  outbox.record(record('c'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(batches).toHaveLength(1)
  outbox.record(record('d'))
  outbox.taken()
  await vi.waitFor(() => expect(batches).toHaveLength(2))
  expect(batches.map(filesOf)).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
})

test('an outbox keeps at most 20,000 entries, and all counts', () => {
  const batches: Batch[] = []
  const outbox = createOutbox((batch) => void batches.push(batch), ['warn'])
  for (let at = 0; at < 20_500; at++) {
    outbox.record(record(String(at)))
    outbox.metrics.transferEnded('tftp', 'complete')
    outbox.metrics.transferBytes('tftp', 3)
  }
  outbox.flush()
  expect(filesOf(batches[0] as Batch)).toEqual(Array.from({ length: 20_000 }, (_, at) => String(at)))
  expect(batches[0]).toMatchObject({ dropped: 500, counts: { ended: [['complete', 20_500]], bytes: 61_500 } })
})

test('an outbox drops lines of levels that are not logged', () => {
  for (const levels of [['debug', 'warn'], ['warn']] as ('debug' | 'warn')[][]) {
    const batches: Batch[] = []
    const outbox = createOutbox((batch) => void batches.push(batch), levels)
    outbox.log.debug({ peer: 'a' }, 'detail')
    outbox.log.warn({ peer: 'b' }, 'fault')
    outbox.flush()
    expect(batches[0]?.entries.map((entry) => 'line' in entry && entry.line.level)).toEqual(levels)
  }
})
