import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DownloadOptions, download } from '../../../src/bytes/fetch/download.ts'
import { openPartialFiles, type PartialFiles } from '../../../src/bytes/fetch/partial-files.ts'
import { type Connector, openConnector } from '../../../src/bytes/fetch/proxies.ts'
import { debianFile } from '../../helpers/debian.ts'
import { hasTool } from '../../helpers/needs.ts'
import { etagFor, type Rough, type RoughWeb, startRoughWeb } from '../../helpers/rough-web.ts'

const linux = debianFile('linux')
const hash = (name: string, bytes: Uint8Array) => createHash(name).update(bytes).digest('hex')
const sha256 = hash('sha256', linux)

let folder: string
let partials: PartialFiles
let connector: Connector
let web: RoughWeb
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-download-test-'))
  partials = await openPartialFiles(folder, { maxBytes: 2 ** 30 })
  connector = openConnector({ httpProxy: '', httpsProxy: '', noProxy: '' })
})
afterEach(async () => {
  await web.stop()
  connector.close()
  await rm(folder, { recursive: true })
})

const serve = async (behave?: (path: string, times: number) => Rough, files = { '/linux': linux }) => {
  web = await startRoughWeb(files, behave)
}
/** Downloads into the file `a`; gives its hash as it is on the disk. */
const bring = async (path: string, options: Partial<DownloadOptions> = {}) => {
  const to = await partials.open('a', { hashes: ['sha256', 'sha512'] })
  const defaults = {
    connector,
    stallMs: 300,
    retriesMs: [5, 5, 5],
    maxBytes: 2 ** 30,
    checksums: {},
    progress: () => {},
  }
  try {
    const got = await download(new URL(path, web.url), to, { ...defaults, ...options })
    expect(hash('sha256', await readFile(to.path))).toBe(got.sha256)
    return got
  } finally {
    await to.close()
  }
}
// Bytes in transit when the connection closed are retried.
const goesOn = expect.stringMatching(/^bytes=\d{6,7}-$/)
const ranges = () => web.asked.map(({ range, status }) => [range, status])

describe('a download', () => {
  test('fetches the exact bytes, reports progress, and verifies both hashes', async () => {
    await serve()
    const counted: (number | undefined)[][] = []
    const checksums = { sha256, sha512: hash('sha512', linux) }
    const got = await bring('/linux', { checksums, progress: (...one) => counted.push(one) })
    expect(got).toEqual({ sizeBytes: linux.length, sha256 })
    expect(counted.at(-1)).toEqual([linux.length, linux.length])
  })

  test('resumes with If-Range after each of several closed connections', async () => {
    await serve((_, times) => (times < 6 ? { cutAfter: 1_000_000 } : {}))
    expect((await bring('/linux')).sha256).toBe(sha256)
    expect(ranges().slice(0, 2)).toEqual([
      [undefined, 200],
      [goesOn, 206],
    ])
    expect(web.asked[1]?.ifRange).toBe(etagFor(linux))
    expect(web.asked.length).toBe(6)
  })

  test('fetches a file of unknown length', async () => {
    await serve(() => ({ length: 'none' }))
    expect((await bring('/linux')).sha256).toBe(sha256)
  })

  test('resumes after a stall', async () => {
    await serve((_, times) => (times === 1 ? { stallAfter: 2_000_000 } : {}))
    expect((await bring('/linux')).sha256).toBe(sha256)
    expect(ranges()[1]).toEqual(['bytes=2000000-', 206])
  })

  test('restarts if the file has changed', async () => {
    const other = Buffer.concat([linux.subarray(0, 3_000_000), linux])
    await serve((_, times) => {
      if (times === 1) setTimeout(() => web.files.set('/linux', other), 0)
      return times === 1 ? { cutAfter: 1_000_000 } : {}
    })
    expect((await bring('/linux')).sha256).toBe(hash('sha256', other))
    expect(ranges()[1]).toEqual([goesOn, 200])
  })

  test('restarts if the server ignores Range, or sends no validator', async () => {
    await serve((_, times) => (times === 1 ? { cutAfter: 1_000_000 } : { ignoreRange: true }))
    expect((await bring('/linux')).sha256).toBe(sha256)
    await web.stop()
    await partials.remove('a')
    await serve((_, times) => ({ noValidators: true, ...(times === 1 && { cutAfter: 1_000_000 }) }))
    expect((await bring('/linux')).sha256).toBe(sha256)
    expect(ranges()).toEqual([
      [undefined, 200],
      [undefined, 200],
    ])
  })

  test('resumes the partial file of an earlier run, and requests no byte twice', async () => {
    await serve((_, times) => (times === 1 ? { cutAfter: 5_000_000 } : {}))
    await expect(bring('/linux', { retriesMs: [] })).rejects.toThrow(/closed early after \d{7} of \d+ bytes$/)
    expect((await bring('/linux')).sha256).toBe(sha256)
    expect(ranges()[1]).toEqual([goesOn, 206])
    // The file is complete: the server answers 416, and no byte is sent twice.
    expect((await bring('/linux')).sha256).toBe(sha256)
    expect(ranges()[2]).toEqual([`bytes=${linux.length}-`, 416])
  })

  test('restarts if the hash shows that an earlier run left bytes of another file', async () => {
    await serve()
    const to = await partials.open('a')
    await to.append(linux.subarray(100, 1_000_100))
    await to.close()
    expect((await bring('/linux', { checksums: { sha256 } })).sha256).toBe(sha256)
    expect(ranges()).toEqual([
      ['bytes=1000000-', 206],
      [undefined, 200],
    ])
  })

  test('follows redirects, and resumes through them', async () => {
    const hops: Record<string, Rough> = { '/a': { location: '/b' }, '/b': { location: '/linux?x=1', status: 307 } }
    await serve((path, times) => hops[path] ?? (times === 1 ? { cutAfter: 4_000_000 } : {}))
    expect((await bring('/a')).sha256).toBe(sha256)
  })

  test('retries a server that is down, after the time in its Retry-After', async () => {
    await serve((_, times) => (times < 3 ? { status: 503, headers: { 'retry-after': '0' } } : {}))
    expect((await bring('/linux')).sha256).toBe(sha256)
  })

  test('sends a password only to its server, and never shows it', async () => {
    await serve((path) => (path === '/x' ? { status: 403 } : {}))
    const url = new URL('/x?token=geheim', web.url)
    url.username = 'anna'
    url.password = 'geheim'
    const said = await bring(url.href).catch((error: Error) => error.message)
    expect(said).toBe(`${web.url}/x answered 403 Forbidden`)
  })

  test.each<[string, Rough, RegExp, Partial<DownloadOptions>?]>([
    ['404', { status: 404 }, /linux answered 404 Not Found$/],
    ['500 for ever', { status: 500 }, /linux answered 500 Internal Server Error after 0 bytes$/],
    [
      'cuts before anything worth while comes',
      { cutAfter: 1000 },
      /the connection closed early after \d+ of \d+ bytes/,
    ],
    [
      'a body shorter than Content-Length',
      { length: linux.length + 5, ignoreRange: true },
      /linux: .* after \d+ of \d+ bytes$/,
    ],
    ['redirects without an end', { location: '/linux' }, /redirects more than 5 times/],
    ['a redirect to a file', { location: 'file:///etc/passwd' }, /a URL that is neither http nor https/],
    ['more than a file may have', {}, /more than 1000 bytes/, { maxBytes: 1000 }],
    ['more than a file may have, of unknown length', { length: 'none' }, /more than 1000 bytes/, { maxBytes: 1000 }],
    ['another hash', {}, /expected sha256 00\w+, got \w+/, { checksums: { sha256: '0'.repeat(64) } }],
    ['another sha512', {}, /expected sha512 00\w+, got \w+/, { checksums: { sha256, sha512: '0'.repeat(128) } }],
  ])('fails and says why: %s', async (_, rough, message, options = {}) => {
    await serve(() => rough)
    await expect(bring('/linux', options)).rejects.toThrow(message)
    if (options.checksums !== undefined) expect(await partials.sizeBytes('a')).toBe(0)
  })

  test('ends immediately if it is aborted', async () => {
    await serve(() => ({ bytesPerSecond: 1_000_000 }))
    const stop = new AbortController()
    const progress = (bytes: number) => bytes > 0 && stop.abort(new Error('told to'))
    await expect(bring('/linux', { signal: stop.signal, progress })).rejects.toThrow('told to')
    expect(await partials.sizeBytes('a')).toBeGreaterThan(0)
  })
})

test('a download uses the configured proxy, except for the hosts of NO_PROXY', async () => {
  await serve()
  const proxy = await startRoughWeb({}, () => ({}))
  try {
    const through = (noProxy: string) => openConnector({ httpProxy: proxy.url, httpsProxy: '', noProxy })
    for (const noProxy of ['', '127.0.0.1']) {
      const one = through(noProxy)
      const said = await bring('/linux', { connector: one }).then(
        () => 'there',
        (error: Error) => error.message,
      )
      one.close()
      expect([noProxy, said]).toEqual([noProxy, noProxy === '' ? `${web.url}/linux answered 404 Not Found` : 'there'])
    }
    // A proxy is asked for the whole URL (RFC 9112, 3.2.2).
    expect(proxy.asked.map(({ path }) => path)).toEqual([`${web.url}/linux`])
  } finally {
    await proxy.stop()
  }
})

test.runIf(hasTool('openssl', 'openssl'))(
  'goes from https down to http only where a hash tells the bytes apart',
  async () => {
    await serve()
    const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost']
    const keyPath = join(folder, 'key.pem')
    const ca = execFileSync('openssl', [...make, '-addext', 'subjectAltName=DNS:localhost', '-keyout', keyPath], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const secure = createServer({ key: await readFile(keyPath), cert: ca }, (_, response) =>
      response.writeHead(302, { location: `${web.url}/linux` }).end(),
    )
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve))
    const url = `https://localhost:${(secure.address() as AddressInfo).port}/linux`
    const trusting = openConnector({ httpProxy: '', httpsProxy: '', noProxy: '' }, { ca: String(ca) })
    try {
      await expect(bring(url, { connector: trusting })).rejects.toThrow('redirects from https to http')
      expect((await bring(url, { connector: trusting, checksums: { sha256 } })).sha256).toBe(sha256)
      // An untrusted certificate is a permanent error, without a retry.
      await expect(bring(url, { checksums: { sha256 } })).rejects.toThrow(/self.signed certificate$/)
    } finally {
      trusting.close()
      secure.close()
    }
  },
)
