import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { createTransfers } from '../../../src/bytes/send/send-file.ts'
import { createSendTurns } from '../../../src/bytes/send/turns.ts'
import { exchange, startTestBootServer } from '../../helpers/boot-server.ts'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

/** Turns of `sliceMs` on a clock that only works move, and a list of the works that ran. */
function turnsOf(sliceMs: number) {
  let at = 0
  const ran: string[] = []
  const turns = createSendTurns({ sliceMs, now: () => at })
  const run = (name: string, tookMs: number) =>
    turns.run(() => {
      at += tookMs
      ran.push(name)
      return name
    })
  return { run, ran, turns }
}

test('a slice ends when its time is over, and the rest follows in the next turns, in order', async () => {
  const { run, ran } = turnsOf(2)
  const all = Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => run(name, 1)))
  expect(ran).toEqual([])
  await nextTurn()
  expect(ran).toEqual(['a', 'b'])
  await nextTurn()
  expect(ran).toEqual(['a', 'b', 'c', 'd'])
  expect(await all).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('a slice runs at least one work, however long that takes', async () => {
  const { run, ran } = turnsOf(0)
  void run('a', 50)
  void run('b', 50)
  await nextTurn()
  expect(ran).toEqual(['a'])
  await nextTurn()
  expect(ran).toEqual(['a', 'b'])
})

test('work that fails rejects alone', async () => {
  const { run, turns } = turnsOf(2)
  const failed = turns.run(() => {
    throw new Error('broken pipe')
  })
  await expect(failed).rejects.toThrow('broken pipe')
  expect(await run('after', 1)).toBe('after')
})

test('thousands of works run once each, in order', async () => {
  const { run, ran, turns } = turnsOf(10)
  const names = Array.from({ length: 5000 }, (_, n) => String(n))
  await Promise.all(names.map((name) => run(name, 1)))
  expect(ran).toEqual(names)
  expect(turns.counted()).toEqual({ slices: 500, works: 5000 })
})

test.each([
  ['from the page cache', true],
  ['in chunks', false],
])(
  'a script waits for a bounded number of slices while 500 downloads are sent %s',
  async (_, zeroCopy) => {
    const limits = { cacheBytes: 2 ** 25, maxTransfers: 1000, bytesPerSecond: undefined }
    // In a slice without time, one work runs.
    const transfers = createTransfers({ ...limits, zeroCopy, sliceMs: 0 })
    const server = await startTestBootServer({ transfers })
    const readers: Socket[] = []
    try {
      const file = await server.addFile('initrd.gz', randomBytes(48 * 2 ** 20))
      const path = `/files/${file.sha256}/initrd.gz`
      readers.push(...(await Promise.all(Array.from({ length: 500 }, () => pausedReader(server.port, path)))))
      for (const socket of readers) socket.resume()
      const { counted } = transfers.methods.turns
      for (let round = 0; round < 10; round++) {
        const before = { ...counted() }
        const answer = await exchange(server.port, 'GET /boot.ipxe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        expect(answer).toContain('#!ipxe')
        // To connect, to read the request, to answer, to read the answer and to see its end take a few turns each.
        expect(counted().slices - before.slices).toBeLessThan(40)
        expect(counted().works - before.works).toBeLessThan(40)
      }
      // All readers have read, and none has read everything.
      expect(counted().works).toBeGreaterThan(500)
      expect(transfers.running.list()).toHaveLength(500)
    } finally {
      for (const socket of readers) socket.destroy()
      await server.stop()
    }
  },
  180_000,
)

/** A client that has received the beginning of a file, and waits. */
async function pausedReader(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await once(socket, 'readable')
  return socket
}
