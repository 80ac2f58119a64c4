import { randomBytes } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boots } from '../../src/db/schema/boots.ts'
import { changes } from '../../src/db/schema/changes.ts'
import { deleteImage, saveImage } from '../../src/inventory/images/images.ts'
import { saveMachine } from '../../src/inventory/machines/machines.ts'
import { treeDigest, type Variant } from '../../src/model/image.ts'
import { bootAsIpxe, exchange, sha256, startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'

let server: TestBootServer
let kernel: { sha256: string; name: string }
const bytes = randomBytes(100_003)
const mac = '52:54:00:00:40:01'
const tree = (path: string, content = bytes) => ({ path, sha256: sha256(content) })
const paths = ['images/install.img', '.treeinfo', 'pool/main/g/gcc-12/g++_12.2~deb12+1.deb', 'a b/ü.txt', 'a%2Fb']

const variant = (files: { path: string; sha256: string }[]): Variant => ({
  arch: 'x86_64',
  kind: 'linux',
  kernel,
  initrds: [],
  args: ['inst.stage2={{ tree }}'],
  tree: files,
})
/** The tree's URL, as in the arguments of the kernel. */
const treeUrl = async () => {
  const script = await bootAsIpxe(server, `mac=${mac}&platform=efi&buildarch=x86_64`)
  return /inst\.stage2=(\S+)/.exec(script)?.[1] as string
}
const get = (url: string, init: RequestInit = {}) => fetch(url, init)
const status = async (url: string) => (await get(url)).status

beforeAll(async () => {
  server = await startTestBootServer()
  kernel = await server.addFile('linux', Buffer.from('kernel'))
  await server.addFile('install.img', bytes)
  await server.addFile('other', Buffer.from('other'))
  await saveImage(server.deps.db, 'fedora', { variants: [variant(paths.map((path) => tree(path)))] }, {}, 'tester')
  await saveMachine(server.deps.db, { mac }, { assignment: { image: 'fedora' } }, {}, 'tester')
})
afterAll(() => server.stop())

describe('a tree', () => {
  test('has its URL in the arguments, and each file at its path, to be cached forever', async () => {
    const url = await treeUrl()
    expect(url).toBe(`${server.url}/trees/fedora/1/${treeDigest(paths.map((path) => tree(path)))}`)
    for (const path of ['images/install.img', '.treeinfo', 'pool/main/g/gcc-12/g++_12.2~deb12+1.deb']) {
      const response = await get(`${url}/${path}`)
      expect([path, response.status, sha256(Buffer.from(await response.arrayBuffer()))]).toEqual([
        path,
        200,
        sha256(bytes),
      ])
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-length': String(bytes.length),
        'cache-control': 'public, max-age=31536000, immutable',
        etag: `"${sha256(bytes)}"`,
      })
    }
  })

  test('has the same files however a client spells the path', async () => {
    const url = await treeUrl()
    for (const path of [
      'images//install.img',
      '/images/install.img',
      'images/install%2Eimg',
      'im%61ges/install.img?a=b',
    ])
      expect([path, await status(`${url}/${path}`)]).toEqual([path, 200])
    expect(await status(`${url}/pool/main/g/gcc-12/g%2B%2B_12.2%7Edeb12%2B1.deb`)).toBe(200)
    expect(await status(`${url}/a%20b/%C3%BC.txt`)).toBe(200)
    // The path `a%2Fb` of one file, not `a/b`.
    expect(await status(`${url}/a%252Fb`)).toBe(200)
    expect(await status(`${url}/a%2Fb`)).toBe(404)
  })

  test('answers HEAD and ranges', async () => {
    const url = `${await treeUrl()}/images/install.img`
    const head = await get(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '100003', ''])
    const part = await get(url, { headers: { Range: 'bytes=2048-4095' } })
    expect([part.status, Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(2048, 4096))]).toEqual([206, true])
    expect((await get(url, { method: 'POST' })).status).toBe(404)
  })

  test('has only its files', async () => {
    const url = await treeUrl()
    const [image, version, digest] = url.split('/').slice(-3) as [string, string, string]
    const there = `${server.url}/trees`
    const paths = [
      ...['', '/', '/images', '/images/', '/images/updates.img', '/Images/install.img', '/%ff', '/%00', '/a%2fb'],
      ...['/images%5Cinstall.img', `/${'a/'.repeat(400)}`],
    ]
    for (const path of paths) expect([path, await status(url + path)]).toEqual([path, 404])
    for (const key of [
      ...[`${image}/2/${digest}`, `${image}/0/${digest}`, `other/${version}/${digest}`, `${image}/-1/${digest}`],
      ...[`${image}/${version}/${'0'.repeat(16)}`, `${image}/${version}`, `${image}/9999999999/${digest}`, '%ff/1/x'],
    ])
      expect([key, await status(`${there}/${key}/.treeinfo`)]).toEqual([key, 404])
  })

  // fetch() and curl tidy such paths before they send them.
  test.each([
    '/images/../.treeinfo',
    '/images/%2e%2e/.treeinfo',
    '/../../../../etc/passwd',
    '/images/./install.img',
    '/..%2f..%2f..%2fetc/passwd',
    '/%2e%2e/%2e%2e/%2e%2e/b/preview/ready',
    '/\\..\\secret.key',
  ])('does not serve files outside: %s', async (path) => {
    const { pathname } = new URL(await treeUrl())
    const answer = await exchange(
      server.port,
      `GET ${pathname}${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 40[04] /)
  })

  test('stays what it was in the version that a script was made for', async () => {
    const { db } = server.deps
    const before = await treeUrl()
    await saveImage(db, 'fedora', { variants: [variant([tree('new', Buffer.from('other'))])] }, {}, 'tester')
    const after = await treeUrl()
    expect([await status(`${before}/.treeinfo`), await status(`${before}/new`)]).toEqual([200, 404])
    expect([await status(`${after}/.treeinfo`), await status(`${after}/new`)]).toEqual([404, 200])
  })

  test('of an image that was deleted and made anew has another URL', async () => {
    const { db } = server.deps
    await saveMachine(db, { mac }, { assignment: { image: 'again' } }, {}, 'tester').catch(() => undefined)
    await saveImage(db, 'again', { variants: [variant([tree('.treeinfo')])] }, {}, 'tester')
    await saveMachine(db, { mac }, { assignment: { image: 'again' } }, {}, 'tester')
    const first = await treeUrl()
    expect(await status(`${first}/.treeinfo`)).toBe(200)
    await saveMachine(db, { mac }, { assignment: { local: true } }, {}, 'tester')
    await deleteImage(db, 'again', {}, 'tester')
    await saveImage(db, 'again', { variants: [variant([tree('.treeinfo', Buffer.from('other'))])] }, {}, 'tester')
    await saveMachine(db, { mac }, { assignment: { image: 'again' } }, {}, 'tester')
    const second = await treeUrl()
    expect(second).not.toBe(first)
    expect(await (await get(`${second}/.treeinfo`)).text()).toBe('other')
  })

  test('does not make the record of a boot larger', async () => {
    const { db } = server.deps
    const many = Array.from({ length: 2000 }, (_, index) => tree(`pool/${index}`))
    await saveImage(db, 'many', { variants: [variant(many)] }, {}, 'tester')
    await saveMachine(db, { mac }, { assignment: { image: 'many' } }, {}, 'tester')
    const url = await treeUrl()
    const statuses = await Promise.all(Array.from({ length: 200 }, (_, index) => status(`${url}/pool/${index * 10}`)))
    expect(new Set(statuses)).toEqual(new Set([200]))
    const found = await db.select().from(boots).where(eq(boots.image, 'many'))
    expect(JSON.stringify(found).length).toBeLessThan(5000)
    const recorded = await db.select().from(changes).where(eq(changes.subject, 'many'))
    expect(recorded[0]?.after).toMatchObject({ variants: [{ tree: { files: 2000, digest: treeDigest(many) } }] })
  })
})
