import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { type ClientRequest, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openPartialFiles } from '../../../src/bytes/fetch/partial-files.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const bytes = randomBytes(3_000_000)
const hash = createHash('sha256').update(bytes).digest('hex')

eachDatabase('uploads in parts', (database) => {
  let api: Api
  let server: Server
  let port: number
  beforeAll(async () => {
    api = await openApi(database(), { maxFileBytes: 4_000_000 })
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    server = createAdaptorServer({ fetch: api.app.fetch }) as Server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await api.deps.intake.partials.remove(`upload-${hash}`)
    await api.deps.store.remove(hash)
  })

  const begin = (contentRange: string, headers: Record<string, string | number> = {}, of = hash): ClientRequest =>
    request({
      ...{ host: '127.0.0.1', port, method: 'PUT', path: `/api/v1/files/${of}?name=big.img`, agent: false },
      headers: { 'content-range': contentRange, ...headers },
    }).on('error', () => {})
  const answerTo = async (sent: ClientRequest) => {
    const [response] = await once(sent, 'response')
    const body = (await json(response)) as Record<string, unknown>
    return { status: response.statusCode, body, headers: response.headers }
  }
  const put = (first: number, end: number, total: number = bytes.length, of = hash) => {
    const sent = begin(`bytes ${first}-${end - 1}/${total}`, { 'content-length': end - first }, of)
    sent.end(bytes.subarray(first, end))
    return answerTo(sent)
  }
  const state = async () => (await api.ask('GET', `/api/v1/files/${hash}/upload`)).body
  const there = (receivedBytes: number, stored = false) => ({ sha256: hash, receivedBytes, stored })
  const isStored = async () =>
    expect((await readFile(join(api.folder, hash.slice(0, 2), hash))).equals(bytes)).toBe(true)

  test('store and verify the file after the last part', async () => {
    expect(await state()).toEqual(there(0))
    expect(await put(0, 1_000_000)).toMatchObject({ status: 202, body: there(1_000_000) })
    expect(await state()).toEqual(there(1_000_000))
    expect((await api.ask('GET', `/api/v1/files/${hash}`)).status).toBe(404)
    expect(await put(1_000_000, 3_000_000)).toMatchObject({
      status: 201,
      body: { sha256: hash, name: 'big.img', sizeBytes: 3_000_000 },
    })
    expect(await state()).toEqual(there(3_000_000, true))
    await isStored()
    expect(await readdir(join(api.folder, 'incoming-parts'))).toEqual([])
    expect(await put(0, 1000)).toMatchObject({ status: 200, body: { sha256: hash } })
  })

  test('refuse a part that does not begin at the next byte, and name that byte', async () => {
    await put(0, 1000)
    for (const [first, end] of [
      [0, 500],
      [500, 2000],
      [2000, 3000],
    ] as const) {
      const { status, body, headers } = await put(first, end)
      expect([status, headers['upload-offset']]).toEqual([409, '1000'])
      expect(body.detail).toBe(
        `Content-Range: expected a part that begins at byte 1000, where the received bytes end, got ${first}`,
      )
    }
    expect(await state()).toEqual(there(1000))
  })

  test('keep the received bytes of an interrupted part, even after a restart of the server', async () => {
    const sent = begin('bytes 0-2999999/3000000', { 'content-length': 3_000_000 })
    sent.write(bytes.subarray(0, 1_234_567))
    await expect.poll(async () => (await state()).receivedBytes, { timeout: 5000 }).toBe(1_234_567)
    sent.destroy()
    const partials = await openPartialFiles(join(api.folder, 'incoming-parts'), { maxBytes: 2 ** 30 })
    const other = await openApi(database(), { intake: { ...api.deps.intake, partials }, store: api.deps.store })
    const remaining = bytes.subarray(1_234_567)
    const headers = { 'content-range': 'bytes 1234567-2999999/3000000' }
    const path = `/api/v1/files/${hash}?name=big.img`
    expect((await other.app.request(path, { method: 'PUT', body: remaining, headers })).status).toBe(201)
    await other.remove()
    await isStored()
  })

  test('disconnect the previous connection of a client that reconnects', async () => {
    const dead = begin('bytes 0-2999999/3000000', { 'content-length': 3_000_000 })
    dead.write(bytes.subarray(0, 1_000_000))
    await expect.poll(async () => (await state()).receivedBytes, { timeout: 5000 }).toBe(1_000_000)
    expect(await put(1_000_000, 3_000_000)).toMatchObject({ status: 201 })
    await isStored()
  })

  test('store a complete file without further bytes after the server was killed', async () => {
    const partial = await api.deps.intake.partials.open(`upload-${hash}`)
    await partial.append(bytes)
    await partial.close()
    const sent = begin('bytes */3000000', { 'content-length': 0 })
    sent.end()
    expect(await answerTo(sent)).toMatchObject({ status: 201 })
    await isStored()
  })

  test('refuse and discard bytes with a wrong hash', async () => {
    const wrong = 'a'.repeat(64)
    expect(await put(0, 1000, 2000, wrong)).toMatchObject({ status: 202 })
    const { status, body } = await put(1000, 2000, 2000, wrong)
    expect([status, body.detail]).toEqual([
      422,
      expect.stringMatching(/^sha256: expected \w{64}, the hash of the 2000/),
    ])
    expect(await api.deps.intake.partials.sizeBytes(`upload-${wrong}`)).toBe(0)
  })

  test.each([
    ['bytes 0-10/5', 422],
    ['bytes 5-1/10', 422],
    ['bytes 0-99/x', 422],
    ['items 0-9/10', 422],
    ['bytes 0-99/4000001', 413],
    ['bytes 0-99/200', 422],
  ])('refuse the range %s', async (contentRange, status) => {
    const length = contentRange === 'bytes 0-99/4000001' ? 100 : 10
    const sent = begin(contentRange, { 'content-length': length })
    sent.end(Buffer.alloc(length))
    expect((await answerTo(sent)).status).toBe(status)
    expect(await state()).toEqual(there(0))
  })

  test('refuse a part with more or fewer bytes than its range', async () => {
    const sent = begin('bytes 0-99/200')
    sent.flushHeaders()
    sent.end(Buffer.alloc(101))
    expect((await answerTo(sent)).status).toBe(413)
    await api.deps.intake.partials.remove(`upload-${hash}`)
    const short = begin('bytes 0-99/200')
    short.flushHeaders()
    short.end(Buffer.alloc(99))
    expect(await answerTo(short)).toMatchObject({
      status: 400,
      body: { detail: 'the part ended after 99 of 100 bytes' },
    })
  })
})
