import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { createRunningDownloads } from '../../../src/bytes/send/running.ts'
import { startTestBootServer } from '../../helpers/boot-server.ts'

const boot = '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f'

test('a download is listed while it runs, with the bytes that moved and the rate at which they move', async () => {
  const server = await startTestBootServer()
  try {
    const size = 48 * 2 ** 20
    const { sha256 } = await server.addFile('initrd.gz', randomBytes(size))
    const { running } = server.deps.transfers
    const client = connect(server.port, '127.0.0.1')
    client.on('error', () => {})
    client.write(`GET /files/${sha256}/initrd.gz?boot=${boot}&stage=initrd HTTP/1.1\r\nHost: x\r\n\r\n`)
    await once(client, 'readable')
    const reading = setInterval(() => client.read(256 * 1024) ?? client.read(), 20)
    await expect.poll(() => running.list()[0]?.doneBytes ?? 0, { timeout: 20_000 }).toBeGreaterThan(4 * 2 ** 20)
    expect(running.list()).toHaveLength(1)
    expect(running.list()[0]).toMatchObject({ boot, address: '127.0.0.1', file: 'initrd.gz', totalBytes: size })
    await expect.poll(() => running.list()[0]?.bytesPerSecond ?? 0, { timeout: 10_000 }).toBeGreaterThan(100_000)
    clearInterval(reading)
    client.destroy()
    await expect.poll(() => running.list()).toEqual([])
  } finally {
    await server.stop()
  }
})

test('a resumed download counts the bytes before its range as done', async () => {
  const server = await startTestBootServer()
  try {
    const size = 48 * 2 ** 20
    const { sha256 } = await server.addFile('disk.img', randomBytes(size))
    const client = connect(server.port, '127.0.0.1')
    client.on('error', () => {})
    client.write(`GET /files/${sha256}/disk.img HTTP/1.1\r\nHost: x\r\nRange: bytes=20000000-\r\n\r\n`)
    await once(client, 'readable')
    const [download] = server.deps.transfers.running.list()
    expect(download).toMatchObject({ boot: undefined, file: 'disk.img', totalBytes: size })
    expect(download?.doneBytes).toBeGreaterThanOrEqual(20_000_000)
    client.destroy()
  } finally {
    await server.stop()
  }
})

test('the rate follows the last seconds, and is 0 for a download that stopped', () => {
  let at = 1_000_000
  const running = createRunningDownloads({ now: () => at, wall: () => at })
  const { moved, ended } = running.begin({ boot, address: '192.0.2.7', file: 'f', totalBytes: 100_000, firstByte: 0 })
  const speed = () => running.list()[0]?.bytesPerSecond
  expect(speed()).toBeUndefined()
  const seen: (number | undefined)[] = []
  for (const bytes of [1000, 1000, 1000, 9000, 0, 0, 0]) {
    moved(bytes)
    at += 1000
    seen.push(speed())
  }
  expect(seen).toEqual([1000, 1000, 1000, 5000, 4500, 0, 0])
  expect(running.list()[0]?.doneBytes).toBe(12_000)
  ended()
  expect(running.list()).toEqual([])
})
