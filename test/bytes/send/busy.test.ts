import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTransfers } from '../../../src/bytes/send/send-file.ts'
import { getAsIpxe, startTestBootServer, type TestBootServer } from '../../helpers/boot-server.ts'

let server: TestBootServer
let url: string
const held: Socket[] = []

beforeAll(async () => {
  const transfers = createTransfers({
    cacheBytes: 2 ** 23,
    maxTransfers: 2,
    bytesPerSecond: undefined,
    zeroCopy: true,
  })
  server = await startTestBootServer({ transfers })
  const file = await server.addFile('initrd.gz', randomBytes(32 * 2 ** 20))
  url = `${server.url}/files/${file.sha256}/initrd.gz`
  for (let reader = 0; reader < 2; reader++) held.push(await stalledReader(server.port, new URL(url).pathname))
})
afterAll(async () => {
  for (const socket of held) socket.destroy()
  await server.stop()
})

test('a download above the limit gets a Retry-After', async () => {
  const response = await fetch(url)
  expect(response.status).toBe(503)
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await response.text()).toMatch(/Try again later/)
})

test('refuses no script, no report, no head and no small piece meanwhile', async () => {
  expect(await getAsIpxe(`${server.url}/ipxe?mac=52-54-00-00-00-01`)).toMatch(/^#!ipxe/)
  expect(await getAsIpxe(`${server.url}/boot.ipxe`)).toMatch(/^#!ipxe/)
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
  expect((await fetch(url, { headers: { Range: 'bytes=2048-4095' } })).status).toBe(206)
  expect((await fetch(url, { headers: { Range: 'bytes=0-9999999' } })).status).toBe(503)
})

test('gives one place to a connection, however many requests are sent on it, and takes it back when it is reset', async () => {
  for (const socket of held.splice(0)) socket.destroy()
  await expect.poll(() => statusOf(url)).toBe(200)
  const { pathname } = new URL(url)
  for (let round = 0; round < 2; round++) {
    const sockets = [await stalledReader(server.port, pathname, 3000)]
    expect(await statusOf(url)).toBe(200)
    sockets.push(await stalledReader(server.port, pathname, 2))
    expect(await statusOf(url)).toBe(503)
    for (const socket of sockets) socket.resetAndDestroy()
    await expect.poll(() => statusOf(url)).toBe(200)
  }
  await expect.poll(() => statusOf(url)).toBe(200)
  for (let reader = 0; reader < 2; reader++) held.push(await stalledReader(server.port, pathname))
})

test('lets the next one in when one has ended, also by going away', async () => {
  held.pop()?.destroy()
  await expect.poll(() => statusOf(url)).toBe(200)
})

async function statusOf(address: string): Promise<number> {
  const response = await fetch(address, { headers: { Connection: 'close' } })
  await response.arrayBuffer()
  return response.status
}

/** @param requests all sent at once, on the same connection */
function stalledReader(port: number, path: string, requests = 1): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const request = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
    const socket = connect(port, '127.0.0.1', () => socket.write(request.repeat(requests)))
    socket.once('error', reject)
    socket.once('data', () => {
      socket.pause()
      resolve(socket)
    })
  })
}
