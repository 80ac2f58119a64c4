import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { type ClientRequest, type RequestOptions, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { recordDamage } from '../../../src/inventory/images/files.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const small = Buffer.from('a small file')
const block = randomBytes(2 ** 20)

eachDatabase('files over HTTP', (database) => {
  let api: Api
  let server: Server
  beforeAll(async () => {
    api = await openApi(database(), { maxFileBytes: 64 * 2 ** 20 })
  })
  afterAll(() => api.remove())
  beforeEach(() => {
    server = createAdaptorServer({ fetch: api.app.fetch }) as Server
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    expect(await readdir(join(api.folder, 'incoming'))).toEqual([])
  })

  const listen = async (): Promise<RequestOptions> => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  }
  const startPut = (
    where: RequestOptions,
    sha256: string,
    headers: Record<string, string | number> = {},
  ): ClientRequest =>
    request({ ...where, method: 'PUT', path: `/api/v1/files/${sha256}?name=big.img`, headers, agent: false })
  const answerTo = async (sent: ClientRequest) => {
    const [response] = await once(sent, 'response')
    return { status: response.statusCode, body: (await json(response)) as Record<string, unknown> }
  }

  test('are streamed over TCP without being held in memory: 64 MiB', async () => {
    const blocks = Array.from({ length: 64 }, () => block)
    const hash = createHash('sha256')
    for (const item of blocks) hash.update(item)
    const sha256 = hash.digest('hex')
    const sent = startPut(await listen(), sha256, { 'content-length': 64 * block.length })
    const before = process.memoryUsage()
    let most = 0
    const watch = setInterval(() => {
      const { arrayBuffers } = process.memoryUsage()
      most = Math.max(most, arrayBuffers - before.arrayBuffers)
    }, 5)
    const answered = answerTo(sent)
    await pipeline(Readable.from(blocks), sent)
    const { status, body } = await answered
    clearInterval(watch)
    expect([status, body]).toEqual([
      201,
      {
        sha256,
        name: 'big.img',
        sizeBytes: 64 * block.length,
        createdAt: body.createdAt,
        checkedAt: null,
        damage: null,
        damageKind: null,
      },
    ])
    expect(most).toBeLessThan(32 * 2 ** 20)
    expect(await api.deps.store.size(sha256)).toBe(64 * block.length)
  })

  test('can be uploaded through a Unix socket', async () => {
    const socketPath = join(api.folder, 'admin.sock')
    server.listen(socketPath)
    await once(server, 'listening')
    const bytes = Buffer.concat([block, small])
    const sent = startPut({ socketPath }, hashOf(bytes), { 'content-length': bytes.length })
    sent.end(bytes)
    expect(await answerTo(sent)).toMatchObject({ status: 201, body: { sizeBytes: bytes.length } })
  })

  test('with a wrong hash are refused with the reason', async () => {
    const sent = startPut(await listen(), 'a'.repeat(64), { 'content-length': small.length })
    sent.end(small)
    const { status, body } = await answerTo(sent)
    expect([status, body.errors]).toEqual([
      422,
      [
        {
          field: 'sha256',
          value: 'a'.repeat(64),
          expected: `${hashOf(small)}, the hash of the ${small.length} bytes received`,
        },
      ],
    ])
    expect(await api.ask('GET', `/api/v1/files/${'a'.repeat(64)}`)).toMatchObject({ status: 404 })
  })

  test('with a Content-Length above the limit are refused before a byte is sent', async () => {
    const sent = startPut(await listen(), 'b'.repeat(64), { 'content-length': 64 * 2 ** 20 + 1 })
    sent.on('error', () => {})
    sent.flushHeaders()
    const { status, body } = await answerTo(sent)
    expect([status, body.detail]).toEqual([413, 'file too large: expected at most 67108864 bytes'])
    sent.destroy()
  })

  test('uploaded in chunks are refused with the reason when they exceed the limit', async () => {
    const sent = startPut(await listen(), 'c'.repeat(64))
    const answered = answerTo(sent)
    await pipeline(Readable.from(Array.from({ length: 66 }, () => block)), sent).catch(() => {})
    expect((await answered).status).toBe(413)
  })

  test('leave nothing behind after an interrupted upload', async () => {
    const sent = startPut(await listen(), 'd'.repeat(64), { 'content-length': 1000 })
    sent.on('error', () => {})
    sent.write(small)
    const incoming = () => readdir(join(api.folder, 'incoming'))
    await expect.poll(incoming).toHaveLength(1)
    sent.destroy()
    await expect.poll(incoming).toEqual([])
    expect(await api.deps.store.size('d'.repeat(64))).toBeUndefined()
  })

  test('keep their first name when they are uploaded again', async () => {
    const put = (name: string) =>
      api.app.request(`/api/v1/files/${hashOf(small)}?name=${name}`, { method: 'PUT', body: small })
    expect((await put('first')).status).toBe(201)
    const again = await put('second')
    expect([again.status, ((await again.json()) as { name: string }).name]).toEqual([200, 'first'])
    expect((await api.ask('GET', `/api/v1/files/${hashOf(small)}`)).body).toMatchObject({
      name: 'first',
      sizeBytes: small.length,
    })
    expect((await api.ask('GET', '/api/v1/files?limit=1')).body.items).toHaveLength(1)
  })

  test('that are damaged are repaired by another upload', async () => {
    const sha256 = hashOf(small)
    const put = () => api.app.request(`/api/v1/files/${sha256}?name=small`, { method: 'PUT', body: small })
    await put()
    const path = join(api.folder, sha256.slice(0, 2), sha256)
    await writeFile(path, 'a Small file')
    await recordDamage(database(), sha256, { kind: 'changed', damage: 'its sha256 is another' })
    expect((await api.ask('GET', `/api/v1/files/${sha256}`)).body.damage).toMatch(/^its sha256 is another \(seen /)
    const again = await put()
    expect([again.status, ((await again.json()) as { damage: null }).damage]).toEqual([200, null])
    expect(await readFile(path, 'utf8')).toBe('a small file')
  })

  test.each([
    [`/api/v1/files/${'a'.repeat(63)}?name=a`, 'sha256'],
    [`/api/v1/files/${'a'.repeat(64)}?name=..%2Fa`, 'name'],
    [`/api/v1/files/${'a'.repeat(64)}`, 'name'],
  ])('refuse PUT %s', async (path, field) => {
    const response = await api.app.request(path, { method: 'PUT', body: small })
    const { errors } = (await response.json()) as { errors: { field: string }[] }
    expect([response.status, errors.map((item) => item.field)]).toEqual([422, [field]])
  })
})
