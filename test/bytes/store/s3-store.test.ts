import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openS3Store } from '../../../src/bytes/store/s3-store.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { filesFolder } from '../../../src/config/data-folder.ts'
import type { S3Settings } from '../../../src/config/s3-settings.ts'
import { startServer } from '../../../src/server/server.ts'
import { getAsIpxe, sha256 } from '../../helpers/boot-server.ts'
import { putTestDatabase } from '../../helpers/database.ts'
import { bucketPlace, type StorePlace, startUpload } from '../../helpers/stores.ts'
import { hasSwift, type SwiftServer, startSwift } from '../../helpers/swift-server.ts'
import { type Piece, startTcpRelay } from '../../helpers/tcp-relay.ts'

const token = 'a-token-of-the-tests-0123456789abcdef'
// Larger than one part, so it goes up in several.
const large = randomBytes(36_000_000)
async function* inParts(whole: Buffer) {
  for (let at = 0; at < whole.length; at += 2 ** 20) yield whole.subarray(at, at + 2 ** 20)
}

describe.runIf(hasSwift())('object storage', () => {
  let swift: SwiftServer
  let place: StorePlace
  let settings: S3Settings
  beforeAll(async () => {
    swift = await startSwift()
  })
  afterAll(() => swift?.stop())
  beforeEach(async () => {
    settings = await swift.newBucket()
    const folder = await mkdtemp(join(tmpdir(), 'bootwright-s3-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    place = bucketPlace(settings, folder)
  })
  /** A store whose connections go through a relay. */
  const openThrough = async (change: (piece: Piece) => Buffer | 'cut') => {
    const relay = await startTcpRelay(swift.port, change)
    onTestFinished(relay.stop)
    return openS3Store({ ...settings, endpoint: `http://127.0.0.1:${relay.port}` }, filesFolder(place.folder))
  }

  test.each<[string, Partial<S3Settings>, RegExp]>([
    [
      'another secret key',
      { secretKey: 'not-the-secret' },
      /^BOOTWRIGHT_S3_SECRET_KEY: wrong secret key for "test:tester"/,
    ],
    [
      'a key without rights',
      { accessKey: 'test:stranger', secretKey: 'stranger' },
      /^BOOTWRIGHT_S3_ACCESS_KEY: "test:stranger" may not list the bucket/,
    ],
    ['no such bucket', { bucket: 'nowhere' }, /^BOOTWRIGHT_S3_URL: there is no bucket "nowhere" at http/],
    [
      'another region',
      { region: 'eu-west-1' },
      /^BOOTWRIGHT_S3_REGION: .* is not in "eu-west-1".*expecting 'us-east-1'/,
    ],
    ['nobody there', { endpoint: 'http://127.0.0.1:1' }, /^BOOTWRIGHT_S3_URL: .* cannot be read: ECONNREFUSED/],
  ])('does not start with %s', async (_, change, message) => {
    const opened = openS3Store({ ...settings, ...change }, filesFolder(place.folder))
    await expect(opened).rejects.toThrow(message)
    await expect(opened).rejects.toMatchObject({ name: 'ConfigError' })
    await expect(opened).rejects.not.toThrow(/not-the-secret|testing/)
  })

  test('aborts what a kill left of an upload in parts', async () => {
    const child = await startUpload(place, { sizeBytes: 200 * 2 ** 20, endless: false })
    const isUnfinished = async () => (await place.everything()).some((name) => name.startsWith('unfinished'))
    for (const until = Date.now() + 15_000; Date.now() < until && !(await isUnfinished()); ) await sleep(5)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await isUnfinished()).toBe(true)
    const store = await place.open()
    for await (const one of store.list()) expect(one).toBeUndefined()
    expect(await place.everything()).toEqual([])
  })

  test('aborts an upload that failed', async () => {
    const store = await openThrough(({ bytes, from, before }) => (from === 'client' && before > 2e6 ? 'cut' : bytes))
    await expect(store.put(sha256(large), inParts(large), 1e9)).rejects.toThrow(/bucket-\d+: (ECONNRESET|EPIPE)/)
    expect(await store.size(sha256(large))).toBeUndefined()
    expect(await place.everything()).toHaveLength(1)
    await place.open()
    expect(await place.everything()).toEqual([])
  })

  test('does not store what was changed on the way', async () => {
    let changed = 0
    const store = await openThrough(({ bytes, from, before }) => {
      if (from === 'server' || before < 1e6) return bytes
      changed++
      return Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])])
    })
    await expect(store.put(sha256(large), inParts(large), 1e9)).rejects.toThrow(/XAmzContentSHA256Mismatch|BadDigest/)
    expect(changed).toBeGreaterThan(0)
    expect(await store.size(sha256(large))).toBeUndefined()
  })

  test('resumes an interrupted answer, and gives up if each answer is interrupted', async () => {
    const bytes = large.subarray(0, 2_000_000)
    await (await place.open()).put(sha256(bytes), inParts(bytes), 1e9)
    let cuts = 0
    let mostCuts = 2
    const store = await openThrough((piece) => {
      if (piece.from === 'client' || piece.before < 100_000 || cuts >= mostCuts) return piece.bytes
      cuts++
      return 'cut'
    })
    const file = await store.open(sha256(bytes))
    const read = Buffer.alloc(2_000_000)
    expect(await file?.read(read, 0)).toBe(2_000_000)
    expect(read.equals(bytes)).toBe(true)
    expect(cuts).toBe(2)
    mostCuts = 1000
    await expect(file?.read(read, 0)).rejects.toThrow(`/${settings.bucket}: `)
    expect(cuts).toBeLessThan(10)
  })

  test('says that a file was removed to who had it open', async () => {
    const store = await place.open()
    await store.put(sha256(large), inParts(large), 1e9)
    const file = await store.open(sha256(large))
    await store.remove(sha256(large))
    await expect(file?.read(Buffer.alloc(10), 0)).rejects.toThrow(/NoSuchKey/)
  })

  test('asks once for all who open a file at the same time', async () => {
    const bytes = randomBytes(1000)
    let asked = 0
    const store = await openThrough(({ bytes, from }) => {
      if (from === 'client' && bytes.subarray(0, 5).toString() === 'HEAD ') asked++
      return bytes
    })
    await store.put(sha256(bytes), inParts(bytes), 1e9)
    asked = 0
    const files = await Promise.all(Array.from({ length: 200 }, () => store.open(sha256(bytes))))
    expect(files.every((file) => file?.sizeBytes === 1000)).toBe(true)
    expect(asked).toBe(1)
  })

  test('keeps stores with different prefixes apart', async () => {
    const [a, b] = await Promise.all(
      ['a/', 'a/b/'].map((prefix) => openS3Store({ ...settings, prefix }, filesFolder(join(place.folder, prefix)))),
    )
    const bytes = randomBytes(100)
    await b?.put(sha256(bytes), inParts(bytes), 1e6)
    for await (const one of a?.list() ?? []) expect(one).toBeUndefined()
    expect(await a?.size(sha256(bytes))).toBeUndefined()
    expect(await b?.size(sha256(bytes))).toBe(100)
  })

  test('gives URLs that need no credentials, and are good for nothing else', async () => {
    const store = await openS3Store({ ...settings, redirect: true }, filesFolder(place.folder))
    await store.put(sha256(large), inParts(large), 1e9)
    const url = (await store.urlFor?.(sha256(large), 'application/efi')) ?? ''
    const response = await fetch(url)
    expect(response.headers.get('content-type')).toBe('application/efi')
    expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(large))
    const part = await fetch(url, { headers: { Range: 'bytes=35999990-' } })
    expect(Buffer.from(await part.arrayBuffer()).equals(large.subarray(-10))).toBe(true)
    expect((await fetch(url.replace(sha256(large).slice(0, 4), 'ffff'))).status).toBe(403)
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(403)
    expect((await fetch(url.split('?')[0] ?? '')).ok).toBe(false)
    expect((await place.open()).urlFor).toBeUndefined()
  })

  /** A whole server whose files are in the bucket, a file uploaded to it, and a boot that fetches it. */
  const serveFromBucket = async (env: Record<string, string>) => {
    putTestDatabase(place.folder)
    const server = await startServer(
      loadConfig({
        BOOTWRIGHT_DATA_DIR: place.folder,
        BOOTWRIGHT_BOOT_LISTEN: '127.0.0.1:0',
        BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
        BOOTWRIGHT_TFTP_LISTEN: 'off',
        BOOTWRIGHT_ADMIN_TOKEN: token,
        BOOTWRIGHT_S3_URL: `${settings.endpoint}/${settings.bucket}/images`,
        BOOTWRIGHT_S3_ACCESS_KEY: settings.accessKey,
        BOOTWRIGHT_S3_SECRET_KEY: settings.secretKey,
        ...env,
        BOOTWRIGHT_NBP_DIR: place.folder,
      }),
      pino({ level: 'silent' }),
    )
    onTestFinished(server.stop)
    const ask = async (method: string, path: string, body?: Buffer | string) => {
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/octet-stream' }
      if (typeof body === 'string') headers['Content-Type'] = 'application/json'
      const response = await fetch(`http://${server.addresses.admin}/api/v1${path}`, {
        method,
        headers,
        body: body ?? null,
      })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return response.json()
    }
    await ask('PUT', `/files/${sha256(large)}?name=linux`, large)
    const files = { kernel: { sha256: sha256(large), name: 'linux' }, initrds: [] }
    const variant = { arch: 'x86_64', kind: 'linux', ...files, args: [] }
    await ask('PUT', '/images/debian', JSON.stringify({ variants: [variant] }))
    await ask('PUT', '/machines/52-54-00-00-00-01', JSON.stringify({ assignment: { image: 'debian' } }))
    const script = await getAsIpxe(`http://${server.addresses.boot}/ipxe?mac=52-54-00-00-00-01&buildarch=x86_64`)
    const fileUrl = new RegExp(`\\S*/files/${sha256(large)}/linux\\S*`).exec(script)?.[0] ?? ''
    const events = async () => {
      const { items } = (await ask('GET', '/boots')) as { items: { id: string }[] }
      const boot = (await ask('GET', `/boots/${items[0]?.id}`)) as { events: { stage: string; file: string | null }[] }
      return boot.events.filter(({ file }) => file === 'linux')
    }
    return { url: new URL(fileUrl, `http://${server.addresses.boot}/`).href, events }
  }

  test('serves a machine its files out of the bucket', async () => {
    const { url, events } = await serveFromBucket({})
    const response = await fetch(url, { redirect: 'manual' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(large.length))
    expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(large))
    const part = await fetch(url, { headers: { Range: 'bytes=1048570-1048589' } })
    expect(part.status).toBe(206)
    expect(Buffer.from(await part.arrayBuffer()).equals(large.subarray(1_048_570, 1_048_590))).toBe(true)
    expect(await readdir(place.folder, { recursive: true })).not.toContainEqual(expect.stringContaining(sha256(large)))
    await expect.poll(events).toContainEqual(expect.objectContaining({ stage: 'kernel', bytes: large.length }))
  }, 60_000)

  test('sends a machine to the bucket for its files when told to', async () => {
    const { url, events } = await serveFromBucket({ BOOTWRIGHT_S3_REDIRECT: 'yes' })
    const response = await fetch(url, { redirect: 'manual' })
    expect(response.status).toBe(302)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('location')).toContain(`${settings.endpoint}/${settings.bucket}/images/`)
    expect(response.headers.get('location')).not.toContain(settings.secretKey)
    expect(sha256(Buffer.from(await (await fetch(url)).arrayBuffer()))).toBe(sha256(large))
    expect((await fetch(url, { method: 'HEAD' })).headers.get('content-length')).toBe(String(large.length))
    expect((await fetch(url.replace(sha256(large), '0'.repeat(64)))).status).toBe(404)
    const sent = { stage: 'kernel', message: 'sent to the object store' }
    await expect.poll(events).toContainEqual(expect.objectContaining(sent))
  }, 60_000)
})
