import { expect, test } from 'vitest'
import type { FromWorker } from '../../../src/bytes/workers/messages.ts'
import { createServerLink } from '../../../src/bytes/workers/server-link.ts'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))
const download = {
  ...{ boot: undefined, address: '10.0.0.1', file: 'initrd.gz', stage: 'initrd' },
  ...{ totalBytes: 10_000_000, firstByte: 0, isSmall: false },
}

/** A link whose channel keeps the batches, and the callbacks that the server calls when it has read them. */
function linkOf(maxTransfers: number) {
  const batches: FromWorker[][] = []
  const unread: (() => void)[] = []
  const dropped: number[] = []
  const link = createServerLink(
    { maxTransfers, rateLimit: () => undefined },
    (batch, read) => {
      batches.push(batch)
      unread.push(read)
    },
    (count) => dropped.push(count),
  )
  return { link, batches, unread, dropped, messages: () => batches.flat() }
}

test('a worker sends at most one batch in a turn, and waits while the server reads none', async () => {
  const { link, batches, unread } = linkOf(1)
  for (let count = 0; count < 20_000; count++) link.countRequest('/files', 206, 0.001)
  expect(batches).toEqual([])
  await nextTurn()
  expect(batches.map(({ length }) => length)).toEqual([1000])
  for (let turn = 0; turn < 40; turn++) await nextTurn()
  expect(batches.length).toBe(16)
  unread.shift()?.()
  await nextTurn()
  await nextTurn()
  expect(batches.length).toBe(17)
})

test('reports above the limit are dropped and counted, and questions are not', async () => {
  const { link, batches, unread, dropped, messages } = linkOf(1)
  for (let count = 0; count < 60_000; count++) link.countRequest('/files', 206, 0.001)
  const status = link.findFileStatus('a'.repeat(64))
  while (unread.length > 0 || batches.length === 0) {
    unread.shift()?.()
    await nextTurn()
  }
  expect(dropped).toEqual([10_000])
  expect(messages().filter(({ kind }) => kind === 'request').length).toBe(50_000)
  const asked = messages().find(({ kind }) => kind === 'status') as Extract<FromWorker, { kind: 'status' }>
  link.receive({ kind: 'status', id: asked.id, status: { sizeBytes: 5, damage: null, damageKind: null } })
  expect(await status).toEqual({ sizeBytes: 5, damage: null, damageKind: null })
})

test('a worker that gets no answer admits downloads within its own share, and reports the end of all', async () => {
  const { link, messages, unread } = linkOf(1)
  const begun = await Promise.all([link.begin(download, () => {}), link.begin(download, () => {})])
  const refused = begun.map((result) => 'retryAfterSeconds' in result)
  expect(refused).toEqual([false, true])
  const [first] = begun
  if (first !== undefined && 'ended' in first) first.ended({ bytes: 7, complete: false, durationMs: 3 })
  unread.shift()?.()
  await nextTurn()
  const ids = (kind: FromWorker['kind']) =>
    messages().flatMap((message) => (message.kind === kind && 'id' in message ? [message.id] : []))
  expect(ids('ended').sort()).toEqual(ids('begin').sort())
})

test('the server refuses a download, and disconnects the client of another', async () => {
  const { link, messages } = linkOf(1)
  let isConnected = true
  const begun = [link.begin(download, () => (isConnected = false)), link.begin(download, () => {})]
  await nextTurn()
  const [first, second] = messages().filter((message) => message.kind === 'begin')
  link.receive({ kind: 'begun', id: first?.id ?? 0 })
  link.receive({ kind: 'begun', id: second?.id ?? 0, retryAfterSeconds: 9 })
  expect(await begun[0]).toHaveProperty('moved')
  expect(await begun[1]).toEqual({ retryAfterSeconds: 9 })
  link.receive({ kind: 'disconnect', id: first?.id ?? 0 })
  expect(isConnected).toBe(false)
})
