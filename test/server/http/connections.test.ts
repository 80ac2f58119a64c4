import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { type ConnectionLimits, serveBounded } from '../../../src/server/http/connections.ts'

type Served = { server: http.Server; port: number; parsed: () => number }

/** Starts an HTTP server with `listener` on a free loopback port. The server closes when the test ends. */
async function serve(listener: http.RequestListener, limits: Partial<ConnectionLimits> = {}): Promise<Served> {
  const server = http.createServer()
  let parsed = 0
  server.on('request', () => {
    parsed++
  })
  serveBounded(server, listener, { maxConnections: 1000, maxPerAddress: 1000, ...limits })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
  })
  return { server, port: (server.address() as AddressInfo).port, parsed: () => parsed }
}

async function open(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
const closed = (socket: Socket) => (socket.destroyed ? Promise.resolve() : once(socket.resume(), 'close'))
const pause = () => new Promise((resolve) => setTimeout(resolve, 1))

test('the server answers every pipelined request, one at a time and in order, wherever packets end', async () => {
  let atOnce = 0
  let maxAtOnce = 0
  const { port } = await serve(async (request, response) => {
    maxAtOnce = Math.max(maxAtOnce, ++atOnce)
    await new Promise(setImmediate)
    atOnce--
    response.end(`<${request.url}>`)
  })
  const socket = await open(port)
  const paths = Array.from({ length: 700 }, (_, index) => `/${index}`)
  const text = paths
    .map((path, index) => (index === 699 ? get(path).replace('x\r\n', 'x\r\nConnection: close\r\n') : get(path)))
    .join('')
  const answer = buffer(socket)
  for (let at = 0; at < text.length; at += 997) {
    socket.write(text.slice(at, at + 997))
    if (at % 10 === 0) await pause()
  }
  expect([...(await answer).toString().matchAll(/<(.*?)>/g)].map(([, path]) => path)).toEqual(paths)
  expect(maxAtOnce).toBe(1)
})

test('the server stops reading while requests wait behind the current request', async () => {
  const begun: string[] = []
  const { port, parsed, server } = await serve((request) => void begun.push(request.url ?? ''))
  let connection: Socket | undefined
  server.on('connection', (socket) => {
    connection = socket
  })
  const socket = await open(port)
  const flood = Buffer.from(get('/a').repeat(300_000))
  let sent = false
  socket.write(flood, () => {
    sent = true
  })
  await expect.poll(() => begun.length).toBe(1)
  for (let turn = 0; turn < 50; turn++) await pause()
  expect(parsed()).toBeLessThan(12)
  expect(connection?.bytesRead).toBeLessThan(300_000)
  expect([sent, begun]).toEqual([false, ['/a']])
})

test('the server starts no request for a disconnected client', async () => {
  const begun: string[] = []
  const { port } = await serve((request, response) => {
    begun.push(request.url ?? '')
    if (request.url === '/first') response.on('close', () => begun.push('first closed'))
  })
  const socket = await open(port)
  socket.write(get('/first') + get('/second') + get('/third'))
  await expect.poll(() => begun).toEqual(['/first'])
  socket.resetAndDestroy()
  await expect.poll(() => begun.length).toBe(2)
  for (let turn = 0; turn < 10; turn++) await pause()
  expect(begun).toEqual(['/first', 'first closed'])
})

test('the server reads complete bodies, even with blank lines in them and requests after them', async () => {
  const { port } = await serve(async (request, response) => {
    const body = await buffer(request)
    response.end(`<${request.url} ${body.length} ${body.reduce((sum, byte) => (sum + byte) % 65_521, 0)}>`)
  })
  const body = Buffer.from('text with blank lines\r\n\r\nand GET / HTTP/1.1\r\n\r\n'.repeat(30_000))
  const sum = body.reduce((total, byte) => (total + byte) % 65_521, 0)
  const post = (path: string, more = '') =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\n${more}Content-Length: ${body.length}\r\n\r\n`
  const socket = await open(port)
  const answer = buffer(socket)
  socket.write(
    Buffer.concat([Buffer.from(post('/1')), body, Buffer.from(get('/2') + post('/3', 'Connection: close\r\n')), body]),
  )
  const answers = [...(await answer).toString().matchAll(/<(.*?)>/g)].map(([, text]) => text)
  expect(answers).toEqual([`/1 ${body.length} ${sum}`, '/2 0 0', `/3 ${body.length} ${sum}`])
})

test('the server closes the longest idle connection of an address with too many, but no busy connection', async () => {
  const crowded: string[] = []
  const { port } = await serve((request, response) => void (request.url === '/quick' && response.end()), {
    maxPerAddress: 3,
    crowded: (address) => crowded.push(address),
  })
  const busy = await open(port)
  busy.write(get('/slow'))
  const used = await open(port)
  const silent = await open(port)
  used.write(get('/quick'))
  await once(used, 'data')
  const fourth = await open(port)
  await closed(silent)
  expect([busy.destroyed, used.destroyed, crowded]).toEqual([false, false, ['127.0.0.1']])
  const other = await open(port, '127.0.0.77')
  other.write(get('/quick'))
  await once(other, 'data')
  for (const socket of [used, fourth]) socket.write(get('/slow'))
  for (let turn = 0; turn < 10; turn++) await pause()
  await closed(await open(port))
  expect([busy, used, fourth, other].map(({ destroyed }) => destroyed)).toEqual([false, false, false, false])
})

test('the server closes a connection of the address with the most connections to accept a new address', async () => {
  const { port } = await serve((_, response) => void response.end('ok'), {
    maxConnections: 6,
    isShared: (address) => address === '127.0.0.80',
    maxPerAddress: 5,
  })
  const few = await open(port, '127.0.0.81')
  const many = await Promise.all(Array.from({ length: 5 }, () => open(port, '127.0.0.82')))
  const newcomer = await open(port, '127.0.0.83')
  newcomer.write(get('/'))
  await once(newcomer, 'data')
  await Promise.race(many.map(closed))
  expect([few.destroyed, many.filter(({ destroyed }) => destroyed).length]).toEqual([false, 1])
})

test('the server has no limit per address for an address that many machines share', async () => {
  const { port } = await serve((_, response) => void response.end('ok'), {
    maxPerAddress: 2,
    isShared: (address) => address === '127.0.0.80',
  })
  const sockets = await Promise.all(Array.from({ length: 9 }, () => open(port, '127.0.0.80')))
  for (const socket of sockets) {
    socket.write(get('/'))
    await once(socket, 'data')
  }
})

test('a stopping server closes silent connections, starts no waiting request, and ends the current one', async () => {
  const begun: string[] = []
  let finish = () => {}
  const { port, server } = await serve((request, response) => {
    begun.push(request.url ?? '')
    response.write('first half, ')
    finish = () => response.end('second half')
  })
  const silent = await open(port)
  const busy = await open(port)
  const answer = buffer(busy)
  busy.write(get('/1') + get('/2').repeat(50))
  await expect.poll(() => begun).toEqual(['/1'])
  const stopped = once(server, 'close')
  server.close()
  await closed(silent)
  finish()
  await stopped
  expect((await answer).toString()).toContain('second half')
  expect(begun).toEqual(['/1'])
})
