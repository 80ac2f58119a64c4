import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { createTransfers } from '../../../src/bytes/send/send-file.ts'
import { startTestBootServer } from '../../helpers/boot-server.ts'

test.each([
  ['from the page cache', true],
  ['in chunks', false],
])('a client that takes a byte now and then loses its slot, if the file is sent %s', async (_, zeroCopy) => {
  const transfers = createTransfers({
    cacheBytes: 2 ** 23,
    maxTransfers: 1,
    bytesPerSecond: undefined,
    zeroCopy,
    writeTimeoutMs: 1000,
  })
  const server = await startTestBootServer({ transfers })
  try {
    const file = await server.addFile('initrd.gz', randomBytes(32 * 2 ** 20))
    const path = `/files/${file.sha256}/initrd.gz`
    const slow = connect(server.port, '127.0.0.1')
    slow.on('error', () => {})
    slow.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await once(slow, 'readable')
    const trickle = setInterval(() => slow.read(100), 50)
    expect((await fetch(server.url + path)).status).toBe(503)
    await expect
      .poll(
        async () => {
          const response = await fetch(server.url + path)
          await response.arrayBuffer()
          return response.status
        },
        { timeout: 10_000, interval: 200 },
      )
      .toBe(200)
    clearInterval(trickle)
    slow.destroy()
  } finally {
    await server.stop()
  }
})
