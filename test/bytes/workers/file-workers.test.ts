import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort } from '../../../scripts/servers/free-port.ts'
import { programDir } from '../../../src/lib/program-dir.ts'
import { exchange, sha256 } from '../../helpers/boot-server.ts'
import { putTestDatabase } from '../../helpers/database.ts'

// The server as an operator starts it, with two more processes that send files.
const bytes = randomBytes(24 * 2 ** 20 + 11)
const path = `/files/${sha256(bytes)}/initrd.gz`
let folder: string
let server: ChildProcess
let port: number
let log = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-workers-'))
  putTestDatabase(folder)
  port = await freePort()
  const env = {
    ...process.env,
    BOOTWRIGHT_DATA_DIR: folder,
    BOOTWRIGHT_BOOT_LISTEN: `127.0.0.1:${port}`,
    BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
    BOOTWRIGHT_TFTP_LISTEN: 'off',
    BOOTWRIGHT_FILE_WORKERS: '2',
    BOOTWRIGHT_MAX_TRANSFERS: '20',
  }
  server = spawn(process.execPath, ['dist/main.js', 'serve'], {
    cwd: programDir,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [server.stdout, server.stderr])
    stream?.on('data', (text: Buffer) => {
      log += text
    })
  await vi.waitFor(() => expect(workerPids().length, log).toBe(2), { timeout: 80_000, interval: 200 })
  await vi.waitFor(
    async () => expect(await putOnSocket(`/api/v1/files/${sha256(bytes)}?name=initrd.gz`)).toBe(201),
    10_000,
  )
}, 100_000)

afterAll(async () => {
  if (server.exitCode === null && server.signalCode === null) {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  await rm(folder, { recursive: true })
})

test('the bytes are the same from every process that accepts a connection, and scripts and reports come from the inventory', async () => {
  const get = async (headers: Record<string, string>) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Connection: 'close', ...headers } })).arrayBuffer()
  const bodies = await Promise.all(Array.from({ length: 6 }, () => get({})))
  for (const body of bodies) expect(sha256(Buffer.from(body))).toBe(sha256(bytes))
  const parts = await Promise.all(Array.from({ length: 6 }, () => get({ Range: 'bytes=1000000-15999999' })))
  for (const part of parts) expect(sha256(Buffer.from(part))).toBe(sha256(bytes.subarray(1_000_000, 16_000_000)))
  for (let round = 0; round < 6; round++) {
    const script = await exchange(
      port,
      'GET /ipxe?mac=52-54-00-00-00-01 HTTP/1.1\r\nHost: boot.test\r\nUser-Agent: iPXE/1.21.1\r\nConnection: close\r\n\r\n',
    )
    expect(script).toContain('\r\nContent-Length: ')
    expect(script).toContain('\r\n\r\n#!ipxe')
    const unknown = await exchange(
      port,
      'POST /b/none/booted HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
    )
    expect(unknown).toMatch(/^HTTP\/1.1 404 /)
  }
}, 60_000)

test('believes nobody on the boot network who says for whom he asks, or what to send', async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, () =>
      exchange(
        port,
        `GET /ipxe?mac=52-54-00-00-00-02 HTTP/1.1\r\nHost: x\r\nUser-Agent: iPXE/1.21.1\r\nX-Bootwright-Address: 203.0.113.9\r\nX-Bootwright-Worker: 1\r\nConnection: close\r\n\r\n`,
      ),
    ),
  )
  for (const answer of answers) expect(answer).not.toMatch(/x-bootwright/i)
  expect(log).toContain('"ip":"127.0.0.1"')
  expect(log).not.toContain('203.0.113.9')
})

test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])(
  'passes on no body of a %s, which could be read as a request',
  async (method) => {
    const hidden = 'GET /ipxe?mac=52-54-00-00-00-03 HTTP/1.1\r\nHost: x\r\nX-Bootwright-Address: 203.0.113.9\r\n\r\n'
    const body = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`
    const asked = `${method} /ipxe?mac=52-54-00-00-00-02 HTTP/1.1\r\nHost: x\r\nUser-Agent: iPXE/1.21.1\r\nConnection: close\r\n`
    for (let round = 0; round < 6; round++) {
      await exchange(port, `${asked}Transfer-Encoding: chunked\r\n\r\n${body}`)
      await exchange(port, `${asked}Content-Length: ${hidden.length}\r\n\r\n${hidden}`)
    }
    expect(log).not.toContain('203.0.113.9')
  },
  20_000,
)

test('gives every place back, whenever a client is reset', async () => {
  for (let round = 0; round < 30; round++)
    await Promise.all(Array.from({ length: 4 }, (_, turn) => resetAfterMs(round % 2 === 0 ? 0 : turn + round / 4)))
  await expect.poll(() => takenPlaces(), { timeout: 15_000, interval: 500 }).toBe(0)
}, 40_000)

test('counts the downloads of all processes together', async () => {
  const held: Awaited<ReturnType<typeof heldDownload>>[] = []
  // Those of the test before may still be giving their places back.
  while (held.length < 20) {
    const one = await heldDownload()
    if (one.statusCode === 200) held.push(one)
    else one.destroy()
  }
  // No connection is kept: the worker that has it is killed later.
  expect((await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Connection: 'close' } })).status).toBe(503)
  for (const one of held) one.destroy()
  await expect
    .poll(
      async () => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Connection: 'close' } })
        await response.arrayBuffer()
        return response.status
      },
      { timeout: 10_000 },
    )
    .toBe(200)
})

test('replaces a worker that died, and keeps serving meanwhile', async () => {
  const before = workerPids()
  process.kill(before[0] as number, 'SIGKILL')
  await expect.poll(() => workerPids().length, { timeout: 10_000 }).toBe(1)
  for (let round = 0; round < 6; round++) {
    const body = await (
      await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Connection: 'close' } })
    ).arrayBuffer()
    expect(sha256(Buffer.from(body))).toBe(sha256(bytes))
  }
  await expect.poll(() => workerPids().length, { timeout: 20_000 }).toBe(2)
  expect(log).toContain('file worker exited')
})

test('leaves no process behind, also when the server is killed', async () => {
  const pids = workerPids()
  server.kill('SIGKILL')
  await once(server, 'exit')
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([])
})

function workerPids(): number[] {
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number)
  return children.filter((pid) => pid > 0 && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('file-worker'))
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** Asks twice on one connection, and is gone. */
function resetAfterMs(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(2))
      setTimeout(() => socket.resetAndDestroy(), ms)
    })
    socket.on('error', () => {}).on('close', () => resolve())
  })
}

/** The slots, among the 20, that no new client can have. */
async function takenPlaces(): Promise<number> {
  const all = await Promise.all(Array.from({ length: 20 }, () => heldDownload()))
  for (const one of all) one.destroy()
  return all.filter(({ statusCode }) => statusCode === 503).length
}

function heldDownload(): Promise<import('node:http').IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent: false }, (response) => resolve(response.pause()))
      .on('error', reject)
      .end()
  })
}

function putOnSocket(at: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ socketPath: join(folder, 'admin.sock'), method: 'PUT', path: at }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
      .on('error', reject)
      .end(bytes)
  })
}
