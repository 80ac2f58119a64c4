import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTransfers } from '../../../src/bytes/send/send-file.ts'
import { startTestBootServer, type TestBootServer } from '../../helpers/boot-server.ts'

let server: TestBootServer
beforeAll(async () => {
  const transfers = createTransfers({ cacheBytes: 2 ** 23, maxTransfers: 100, bytesPerSecond: 4e6, zeroCopy: true })
  server = await startTestBootServer({ transfers })
})
afterAll(() => server.stop())

// Twelve first pieces as large as a socket takes would be earned in ten seconds and more; with a hundred readers, in minutes.
test('lets every reader have a little often, so that no connection is silent for long', async () => {
  const { sha256 } = await server.addFile('initrd.gz', randomBytes(32 * 2 ** 20))
  const heardAt: number[] = []
  const readers = Array.from({ length: 12 }, (_, reader) => {
    const socket: Socket = connect(server.port, '127.0.0.1', () =>
      socket.write(`GET /files/${sha256}/initrd.gz HTTP/1.1\r\nHost: x\r\n\r\n`),
    )
    return socket.on('data', () => {
      heardAt[reader] = performance.now()
    })
  })
  await sleep(4000)
  const silentMs = readers.map((_, reader) => performance.now() - (heardAt[reader] ?? 0))
  for (const socket of readers) socket.destroy()
  expect(Math.max(...silentMs)).toBeLessThan(1500)
})
