import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, put } from '../../../scripts/bench/admin.ts'
import { enterSite, fakeMachine } from '../../../scripts/fakes/fake-site.ts'
import { exchange, getAsIpxe, sha256 } from '../../helpers/boot-server.ts'
import { putTestDatabase } from '../../helpers/database.ts'
import { type ServerProcess, startServerProcess } from '../../helpers/server-process.ts'

// The server as an operator starts it, with two file workers and a file listener.
const kernel = randomBytes(3_000_017)
const initrd = randomBytes(24 * 2 ** 20 + 11)
const path = `/files/${sha256(initrd)}/initrd.gz`
const maxTransfers = 20
const maxPerAddress = 64
let folder: string
let server: ServerProcess
let filesUrl: string
let filePort: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-workers-'))
  putTestDatabase(folder)
  server = await startServerProcess(folder, {
    BOOTWRIGHT_FILE_LISTEN: '127.0.0.1:0',
    BOOTWRIGHT_FILE_WORKERS: '2',
    BOOTWRIGHT_MAX_TRANSFERS: String(maxTransfers),
    BOOTWRIGHT_MAX_CONNECTIONS_PER_ADDRESS: String(maxPerAddress),
    BOOTWRIGHT_BOOT_SUBNETS: '127.0.0.1/32,127.10.0.0/16',
    BOOTWRIGHT_ANSWERS_TO_ANY_ADDRESS: 'yes',
  })
  filesUrl = /file HTTP\s+(http:\/\/[\d.:]+)/.exec(server.output())?.[1] ?? ''
  filePort = Number(new URL(filesUrl).port)
  await enterSite(server.socketPath, 1, { kernel, initrd })
}, 180_000)

afterAll(async () => {
  await server.kill()
  await rm(folder, { recursive: true })
})

test('scripts name files at the file listener, and everything else at the boot listener', async () => {
  const script = await getAsIpxe(`${server.bootUrl}/ipxe?mac=${fakeMachine(0).mac}`)
  expect(script).toContain(`${filesUrl}/files/${sha256(kernel)}/vmlinuz?boot=`)
  expect(script).toContain(`${filesUrl}${path}?boot=`)
  expect(script).not.toContain(`${server.bootUrl}/files/`)
  expect(script).toContain(`${server.bootUrl}/b/`)
})

test('workers send whole files, ranges, heads and conditional answers as the boot listener does', async () => {
  const bodies = await Promise.all(Array.from({ length: 6 }, () => get()))
  for (const { body } of bodies) expect(sha256(body)).toBe(sha256(initrd))
  const parts = await Promise.all(Array.from({ length: 6 }, () => get({ Range: 'bytes=1000000-15999999' })))
  for (const { body } of parts) expect(sha256(body)).toBe(sha256(initrd.subarray(1_000_000, 16_000_000)))
  const questions: [string, Record<string, string>][] = [
    ['GET', { Range: 'bytes=5-9' }],
    ['GET', { Range: 'bytes=-70000' }],
    ['GET', { Range: `bytes=${initrd.length}-` }],
    ['GET', { Range: 'bytes=0-9', 'If-Range': '"other"', 'If-None-Match': `"${sha256(initrd)}"` }],
    ['GET', { 'If-Match': '"other"' }],
    ['HEAD', {}],
  ]
  for (const [method, headers] of questions)
    expect(await headAndBody(filePort, method, headers)).toEqual(await headAndBody(bootPort(), method, headers))
})

test('the file listener has files and a liveness check, and nothing else', async () => {
  const statusOf = async (at: string) => (await fetch(filesUrl + at)).status
  expect(await statusOf('/livez')).toBe(200)
  for (const at of ['/boot.ipxe', '/ipxe?mac=52-54-00-00-00-01', '/healthz', '/nbp/ipxe.efi', '/b/none/ready'])
    expect([at, await statusOf(at)]).toEqual([at, 404])
  expect(await statusOf(`/files/${'0'.repeat(64)}/x`)).toBe(404)
})

test('workers refuse addresses outside the boot subnets, and believe no header that names an address', async () => {
  const { statusCode } = await heldDownload({ localAddress: '127.0.0.9', headers: { 'X-Forwarded-For': '127.0.0.1' } })
  expect(statusCode).toBe(403)
})

test('the events of a boot and the running downloads of workers are recorded', async () => {
  const script = await getAsIpxe(`${server.bootUrl}/ipxe?mac=${fakeMachine(0).mac}`)
  const boot = /\?boot=([0-9a-f-]{36})/.exec(script)?.[1] ?? ''
  await get({}, `${path}?boot=${boot}&stage=initrd`)
  const held = await heldDownload({ path: `${path}?boot=${boot}&stage=initrd` })
  const now = async () => JSON.stringify((await server.ask('GET', '/now')).body)
  await expect.poll(now, { timeout: 10_000 }).toContain(`"totalBytes":${initrd.length}`)
  held.destroy()
  const events = async () => (await server.ask('GET', `/boots/${boot}`)).body.events as Record<string, unknown>[]
  await expect.poll(async () => (await events()).filter(({ stage }) => stage === 'initrd').length).toBe(2)
  const [complete, interrupted] = (await events()).filter(({ stage }) => stage === 'initrd')
  expect(complete).toMatchObject({ file: 'initrd.gz', bytes: initrd.length })
  expect(interrupted?.message).toMatch(/^interrupted after \d+ of 25165835 bytes$/)
})

test('the listeners and all workers count downloads together', async () => {
  await freeSlots()
  const held: IncomingMessage[] = []
  // The slots of clients that have just disconnected become free a moment later.
  for (let tries = 0; held.length < maxTransfers && tries < 1000; tries++) {
    const one = await heldDownload({}, held.length % 2 === 0)
    if (one.statusCode === 200) held.push(one)
    else one.destroy()
  }
  const refused = [await heldDownload({}, false), await heldDownload({}, true)]
  for (const one of [...held, ...refused]) one.destroy()
  expect(held.length).toBe(maxTransfers)
  expect(refused.map(({ statusCode }) => statusCode)).toEqual([503, 503])
  for (const { headers } of refused) expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
  await freeSlots()
})

test('every slot is free again after clients were reset at any moment', async () => {
  for (let round = 0; round < 30; round++)
    await Promise.all(Array.from({ length: 4 }, (_, turn) => resetAfterMs(round % 2 === 0 ? 0 : turn + round / 4)))
  await freeSlots()
}, 60_000)

test('the connections of one address are limited over all workers', async () => {
  const sockets: Socket[] = []
  for (let count = 0; count < 2 * maxPerAddress; count++) {
    const socket = connect(filePort, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
  }
  const living = () => sockets.filter((socket) => !socket.closed && !socket.readableEnded).length
  for (const socket of sockets) socket.resume()
  await expect.poll(living, { timeout: 10_000 }).toBeLessThanOrEqual(maxPerAddress)
  for (const socket of sockets) socket.destroy()
})

test('a damaged file is refused within a second after its record', async () => {
  const bytes = randomBytes(600_000)
  const hash = sha256(bytes)
  await put(server.socketPath, `/api/v1/files/${hash}?name=bad`, bytes)
  expect((await get({}, `/files/${hash}/bad`)).status).toBe(200)
  const stored = await open(join(folder, 'files', hash.slice(0, 2), hash), 'r+')
  await stored.write(Buffer.from([1 + (bytes[0] ?? 0)]), 0, 1, 0)
  await stored.close()
  const asking = setInterval(() => void get({ Range: 'bytes=0-9' }, `/files/${hash}/bad`).catch(() => {}), 20)
  const body = Buffer.from(JSON.stringify({ files: [hash] }))
  expect(await ask(server.socketPath, 'POST', '/api/v1/files/verify', body, 'application/json')).toContain('damaged')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  clearInterval(asking)
  const refused = await get({}, `/files/${hash}/bad`)
  expect([refused.status, refused.body.toString()]).toEqual([
    500,
    expect.stringMatching(new RegExp(`^The file ${hash} is damaged: `)),
  ])
})

test('a file whose size is wrong is refused by a worker, and recorded as damaged', async () => {
  const bytes = randomBytes(400_000)
  const hash = sha256(bytes)
  await put(server.socketPath, `/api/v1/files/${hash}?name=short`, bytes)
  const stored = await open(join(folder, 'files', hash.slice(0, 2), hash), 'r+')
  await stored.truncate(399_999)
  await stored.close()
  expect((await get({}, `/files/${hash}/short`)).status).toBe(500)
  await expect
    .poll(async () => (await server.ask('GET', `/files/${hash}`)).body.damage)
    .toMatch(/399999 bytes instead of 400000/)
})

test('workers send files while the server does not answer them', async () => {
  process.kill(server.pid, 'SIGSTOP')
  try {
    for (let round = 0; round < 2; round++) expect(sha256((await get()).body)).toBe(sha256(initrd))
  } finally {
    process.kill(server.pid, 'SIGCONT')
  }
  await freeSlots()
}, 30_000)

test('a download resumes by range after its worker was killed, and a new worker serves it', async () => {
  const script = await getAsIpxe(`${server.bootUrl}/ipxe?mac=${fakeMachine(0).mac}`)
  const boot = /\?boot=([0-9a-f-]{36})/.exec(script)?.[1] ?? ''
  const asked = `${path}?boot=${boot}&stage=initrd`
  const first = await heldDownload({ path: asked })
  first.on('error', () => {})
  const parts: Buffer[] = []
  parts.push(await nextPart(first))
  // Its bytes are reported once a second.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  for (const pid of workerPids()) process.kill(pid, 'SIGKILL')
  await expect.poll(() => workerPids().length, { timeout: 10_000 }).toBe(0)
  first.resume().on('data', (part: Buffer) => parts.push(part))
  await expect.poll(() => first.closed, { timeout: 10_000 }).toBe(true)
  const before = Buffer.concat(parts)
  expect(before.length).toBeLessThan(initrd.length)
  // No worker accepts connections at this moment: the client waits, and is not refused.
  const { status, body } = await get({ Range: `bytes=${before.length}-` }, asked)
  expect(status).toBe(206)
  expect(sha256(Buffer.concat([before, body]))).toBe(sha256(initrd))
  await expect.poll(() => workerPids().length, { timeout: 20_000 }).toBe(2)
  expect(server.output()).toContain('file worker exited')
  const events = async () => (await server.ask('GET', `/boots/${boot}`)).body.events as Record<string, unknown>[]
  await expect.poll(async () => (await events()).some(({ message }) => /^interrupted/.test(String(message)))).toBe(true)
  await freeSlots()
}, 60_000)

test('the server leaves no process behind when it stops, or when it is killed', async () => {
  const pids = workerPids()
  expect(pids.length).toBeGreaterThan(0)
  await server.kill()
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([])
})

function bootPort(): number {
  return Number(new URL(server.bootUrl).port)
}

/** A complete download on a connection of its own. */
async function get(headers: Record<string, string> = {}, at = path): Promise<{ status: number; body: Buffer }> {
  const response = await fetch(filesUrl + at, { headers: { Connection: 'close', ...headers } })
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
}

/** A whole answer, without its date. */
async function headAndBody(port: number, method: string, headers: Record<string, string>): Promise<string> {
  const lines = Object.entries({ Host: 'x', Connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const answer = await exchange(port, `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  return answer.replace(/\r\nDate: [^\r]*/, '')
}

function workerPids(): number[] {
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number)
  return children.filter((pid) => pid > 0 && isAlive(pid) && commandOf(pid).includes('file-worker'))
}

function commandOf(pid: number): string {
  return existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : ''
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** Asks twice on one connection, and resets it. */
function resetAfterMs(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(filePort, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(2))
      setTimeout(() => socket.resetAndDestroy(), ms)
    })
    socket.on('error', () => {}).on('close', () => resolve())
  })
}

/** Waits until new clients can have all slots. */
async function freeSlots(): Promise<void> {
  const taken = async () => {
    const all = await Promise.all(Array.from({ length: maxTransfers }, () => heldDownload()))
    for (const one of all) one.destroy()
    return all.filter(({ statusCode }) => statusCode === 503).length
  }
  await expect.poll(taken, { timeout: 20_000, interval: 500 }).toBe(0)
}

type Asked = { path?: string; localAddress?: string; headers?: Record<string, string> }

/** A download whose client reads nothing. */
function heldDownload(asked: Asked = {}, atBoot = false): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const port = atBoot ? bootPort() : filePort
    request({ host: '127.0.0.1', port, path, agent: false, ...asked }, (response) => resolve(response.pause()))
      .on('error', reject)
      .end()
  })
}

async function nextPart(response: IncomingMessage): Promise<Buffer> {
  const part = once(response, 'data') as Promise<[Buffer]>
  response.resume()
  const [bytes] = await part
  response.pause()
  return bytes
}
