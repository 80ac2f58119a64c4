import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readVersion } from '../../../src/lib/program-dir.ts'
import { collapseSlashes } from '../../../src/server/http/boot-http.ts'
import { exchange, sha256, startTestBootServer, type TestBootServer } from '../../helpers/boot-server.ts'

let server: TestBootServer
beforeAll(async () => {
  server = await startTestBootServer()
})
afterAll(() => server.stop())

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
const ask = (target: string, headers = 'Host: boot\r\n') =>
  exchange(server.port, `GET ${target} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`)

describe('a boot server that answers firmware', () => {
  test.each([
    ['/a//b', '/a/b'],
    ['//a', '/a'],
    ['/a?x=//b', '/a?x=//b'],
    ['http://h/a', 'http://h/a'],
  ])('collapses the slashes of %s', (url, expected) => expect(collapseSlashes(url)).toBe(expected))

  test.each(['/boot.ipxe', '/autoexec.ipxe', '/ipxe?mac=52-54-00-12-34-56', '/nbp/ipxe.efi', '/healthz'])(
    'answers HTTP/1.0 without a Host at %s',
    async (path) => {
      expect(statusOf(await exchange(server.port, `GET ${path} HTTP/1.0\r\n\r\n`))).toBe(200)
    },
  )

  test.each([
    ['no Host', '', `127.0.0.1:`],
    ['a name with an underscore', 'Host: boot_server:8080\r\n', 'boot_server:8080/'],
    ['an IPv6 address', 'Host: [fd00::7]:8080\r\n', '[fd00::7]:8080/'],
  ])('names the address that the machine reached, for a request with %s', async (_, header, expected) => {
    const answer = await exchange(server.port, `GET /autoexec.ipxe HTTP/1.0\r\n${header}\r\n`)
    expect(answer).toContain(`http://${expected}`)
  })

  test('finds a file after two slashes, as shim requests it', async () => {
    expect(statusOf(await ask('//nbp//ipxe.efi'))).toBe(200)
  })

  test('answers a request with a whole URL in its request line', async () => {
    expect(statusOf(await ask(`http://127.0.0.1:${server.port}/boot.ipxe`))).toBe(200)
  })

  test('writes header names in canonical case', async () => {
    const answer = await ask('/boot.ipxe')
    expect(answer).toContain('\r\nContent-Length: ')
    expect(answer).toContain('\r\nContent-Type: text/plain')
    expect(answer).not.toMatch(/transfer-encoding/i)
  })

  test('serves a boot program to UEFI HTTP Boot, which sends HEAD, then GET, then a reset', async () => {
    const head = await fetch(`${server.url}/nbp/ipxe.efi`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type'), head.headers.get('content-length')]).toEqual([
      200,
      'application/efi',
      '100001',
    ])
    await resetAfter(server.port, 'GET /nbp/ipxe.efi HTTP/1.1\r\nHost: boot\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n')
    const whole = Buffer.from(await (await fetch(`${server.url}/nbp/ipxe.efi`)).arrayBuffer())
    expect(sha256(whole)).toBe(server.deps.nbps.get('ipxe.efi')?.sha256)
  })

  test.each([
    '/nbp/..%2f..%2fpackage.json',
    '/nbp/%2e%2e/package.json',
    '/nbp/passwd',
    '/nbp/',
    '/../package.json',
    '/x',
  ])('serves nothing at %s', async (target) => {
    expect(statusOf(await ask(target))).toBe(404)
  })
})

describe('a boot server that gets an invalid request', () => {
  test.each([
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00'],
    ['a header of 20,000 bytes', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`],
    ['no Host', 'GET /boot.ipxe HTTP/1.1\r\n\r\n'],
    ['a line break in the target', 'GET /ipxe?mac=\n HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('refuses %s and continues to serve', async (_, request) => {
    const answer = await exchange(server.port, request)
    expect(statusOf(answer)).toBeGreaterThanOrEqual(400)
    expect(statusOf(answer)).toBeLessThan(500)
    expect((await fetch(`${server.url}/boot.ipxe`)).status).toBe(200)
  })

  test.each(['boot server', 'a${b}', 'x"y', 'a,b', '-', '[::1', 'boot:99999', ''])(
    'puts its own address into a script, not the invalid Host %j',
    async (host) => {
      const answer = await ask('/ipxe?mac=52-54-00-12-34-56', `Host: ${host}\r\n`)
      expect(statusOf(answer)).toBe(200)
      expect(answer).toContain('#!ipxe')
      expect(await ask('/autoexec.ipxe', `Host: ${host}\r\n`)).toContain(`http://127.0.0.1:${server.port}/`)
    },
  )

  test.each(['', '/', '/x', '/52-54-00-12-34-56', '/%zz.ipxe', '/a/b.ipxe?mac=1', '?mac=%00', '?uuid='])(
    'answers a request for a script at /ipxe%s with a script',
    async (more) => {
      for (const start of [`GET /ipxe${more} HTTP/1.1\r\n`, `POST /ipxe${more} HTTP/1.1\r\nHost: x\r\n`]) {
        const answer = await exchange(server.port, `${start}User-Agent: iPXE/1.21.1\r\nConnection: close\r\n\r\n`)
        expect(statusOf(answer)).toBe(200)
        expect(answer).toContain('\r\n\r\n#!ipxe\n')
      }
    },
  )

  test('answers 403 outside the boot subnets', async () => {
    const closed = await startTestBootServer({ allows: () => false })
    expect((await fetch(`${closed.url}/boot.ipxe`)).status).toBe(403)
    await closed.stop()
  })

  test('uses the client address that a trusted proxy reports, and no other header', async () => {
    const behind = await startTestBootServer({
      trustedProxies: ['127.0.0.0/8'],
      allows: (address) => address.startsWith('10.9.'),
    })
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${behind.url}/boot.ipxe`, { headers })).status
    expect(await status({})).toBe(403)
    expect(await status({ 'X-Forwarded-For': '10.9.0.5' })).toBe(200)
    expect(await status({ Forwarded: 'for="10.9.0.5:4711";proto=http' })).toBe(200)
    expect(await status({ 'X-Forwarded-For': '10.9.0.5, 192.0.2.1' })).toBe(403)
    await behind.stop()
    expect((await fetch(`${server.url}/boot.ipxe`, { headers: { 'X-Forwarded-For': '192.0.2.1' } })).status).toBe(200)
  })
})

describe('/healthz', () => {
  const version = readVersion()

  test('reports whether the database answers, and the version', async () => {
    expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ status: 'ok', database: 'ok', version })
    const without = await startTestBootServer({ databaseAnswers: async () => false })
    const response = await fetch(`${without.url}/healthz`)
    expect([response.status, await response.json()]).toEqual([200, { status: 'degraded', database: 'away', version }])
    await without.stop()
  })
})

describe('/readyz', () => {
  const version = readVersion()

  test('is 200 if machines can boot, and lists what is degraded without details', async () => {
    const ready = await fetch(`${server.url}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', degraded: [], version }])
    const since = new Date('2026-11-27T10:00:00Z')
    const without = await startTestBootServer({
      databaseAnswers: async () => false,
      databaseAway: () => ({ since, reason: 'connect ECONNREFUSED 127.0.0.1:5432' }),
    })
    const response = await fetch(`${without.url}/readyz`)
    const degraded = [{ reason: 'database-unreachable', since: since.toISOString() }]
    expect([response.status, await response.json()]).toEqual([503, { status: 'unready', degraded, version }])
    await without.stop()
  })
})

function resetAfter(port: number, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.once('error', reject)
    socket.once('data', () => {
      socket.resetAndDestroy()
      resolve()
    })
  })
}
