import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openPartialFiles } from '../../../src/bytes/fetch/partial-files.ts'
import { createToken } from '../../../src/inventory/access/tokens.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const bytes = randomBytes(3_000_000)
const hash = createHash('sha256').update(bytes).digest('hex')
const file = { name: 'Debian 12.iso', sizeBytes: bytes.length, modifiedAt: '2026-11-01T10:00:00.000Z' }

eachDatabase('uploads without a hash', (database) => {
  let api: Api
  let server: Server
  beforeAll(async () => {
    api = await openApi(database(), { maxFileBytes: 4_000_000 })
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    server = createAdaptorServer({ fetch: api.app.fetch }) as Server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await api.deps.intake.partials.removeAll('unhashed-')
    await api.deps.store.remove(hash)
  })

  const begin = async (change = {}) => (await api.ask('POST', '/api/v1/uploads', { ...file, ...change })).body.id
  const put = async (id: string, first: number, end: number, by = api) => {
    const response = await by.app.request(`/api/v1/uploads/${id}`, {
      method: 'PUT',
      headers: { 'content-range': `bytes ${first}-${end - 1}/${bytes.length}` },
      body: bytes.subarray(first, end),
    })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  const state = async (id: string) => (await api.ask('GET', `/api/v1/uploads/${id}`)).body

  test('store a file in parts, and name its hash at the end', async () => {
    const begun = await api.ask('POST', '/api/v1/uploads', file)
    expect(begun).toMatchObject({ status: 201, body: { name: 'Debian_12.iso', receivedBytes: 0 } })
    const { id } = begun.body
    expect(await put(id, 0, 1_000_000)).toMatchObject({ status: 202, body: { receivedBytes: 1_000_000 } })
    expect(await put(id, 1_000_000, 3_000_000)).toMatchObject({
      status: 201,
      body: { receivedBytes: 3_000_000, sha256: hash },
    })
    expect((await readFile(join(api.folder, hash.slice(0, 2), hash))).equals(bytes)).toBe(true)
    expect((await api.ask('GET', `/api/v1/files/${hash}`)).body).toMatchObject({ name: 'Debian_12.iso' })
    expect(await state(id)).toMatchObject({ receivedBytes: 3_000_000, sha256: hash })
    expect((await api.ask('GET', '/api/v1/uploads')).body.items).toEqual([])
  })

  test('answer a repeated last part with the stored file', async () => {
    const id = await begin()
    await put(id, 0, 3_000_000)
    expect(await put(id, 0, 3_000_000)).toMatchObject({ status: 200, body: { sha256: hash } })
    const again = await begin()
    expect(again).not.toBe(id)
    expect(await put(again, 0, 3_000_000)).toMatchObject({ status: 200, body: { sha256: hash } })
  })

  test('find the unfinished upload of the same file, and not that of another file', async () => {
    const id = await begin()
    await put(id, 0, 1_000_000)
    expect(await api.ask('POST', '/api/v1/uploads', file)).toMatchObject({
      status: 200,
      body: { id, receivedBytes: 1_000_000, modifiedAt: file.modifiedAt },
    })
    for (const change of [{ name: 'b.iso' }, { sizeBytes: 5 }, { modifiedAt: '2026-11-02T10:00:00.000Z' }])
      expect(await begin(change)).not.toBe(id)
    expect((await api.ask('GET', '/api/v1/uploads')).body.items).toHaveLength(4)
  })

  test('keep the bytes of an interrupted part, even after a restart of the server', async () => {
    const id = await begin()
    const { port } = server.address() as AddressInfo
    const sent = request({
      ...{ host: '127.0.0.1', port, method: 'PUT', path: `/api/v1/uploads/${id}`, agent: false },
      headers: { 'content-range': 'bytes 0-2999999/3000000', 'content-length': 3_000_000 },
    }).on('error', () => {})
    sent.write(bytes.subarray(0, 1_234_567))
    await expect.poll(async () => (await state(id)).receivedBytes, { timeout: 5000 }).toBe(1_234_567)
    sent.destroy()
    const partials = await openPartialFiles(join(api.folder, 'incoming-parts'), { maxBytes: 2 ** 30 })
    const other = await openApi(database(), { intake: { ...api.deps.intake, partials }, store: api.deps.store })
    expect((await other.ask('POST', '/api/v1/uploads', file)).body).toMatchObject({ id, receivedBytes: 1_234_567 })
    expect(await put(id, 1_234_567, 3_000_000, other)).toMatchObject({ status: 201, body: { sha256: hash } })
    await other.remove()
  })

  test('refuse a part that does not begin where the bytes end, and parts of another size', async () => {
    const id = await begin()
    await put(id, 0, 1000)
    const { status, headers } = await put(id, 500, 2000)
    expect([status, headers.get('upload-offset')]).toEqual([409, '1000'])
    const other = await api.app.request(`/api/v1/uploads/${id}`, {
      method: 'PUT',
      headers: { 'content-range': 'bytes 1000-1001/5000' },
      body: 'ab',
    })
    const { detail } = (await other.json()) as { detail: string }
    expect([other.status, detail]).toEqual([
      422,
      'content-range: expected a total of 3000000 bytes, got "bytes 1000-1001/5000"',
    ])
    expect((await api.ask('POST', '/api/v1/uploads', { ...file, sizeBytes: 4_000_001 })).status).toBe(413)
  })

  test('delete an upload while its bytes arrive', async () => {
    const id = await begin()
    const { port } = server.address() as AddressInfo
    const sent = request({
      ...{ host: '127.0.0.1', port, method: 'PUT', path: `/api/v1/uploads/${id}`, agent: false },
      headers: { 'content-range': 'bytes 0-2999999/3000000', 'content-length': 3_000_000 },
    }).on('error', () => {})
    const closed = new Promise((resolve) => sent.once('close', resolve))
    sent.write(bytes.subarray(0, 1000))
    await expect.poll(async () => (await state(id)).receivedBytes, { timeout: 5000 }).toBe(1000)
    expect((await api.ask('DELETE', `/api/v1/uploads/${id}`)).status).toBe(204)
    await closed
    expect((await put(id, 0, 1000)).status).toBe(404)
    expect((await api.ask('GET', `/api/v1/uploads/${id}`)).status).toBe(404)
  })

  test('show and change only the uploads of the same client', async () => {
    const { token } = await createToken(database(), 'other', 'operator')
    const strict = await openApi(database(), { intake: api.deps.intake, store: api.deps.store, trusted: false })
    const headers = { authorization: `Bearer ${token}` }
    const id = await begin()
    expect((await strict.ask('GET', `/api/v1/uploads/${id}`, undefined, headers)).status).toBe(404)
    expect((await strict.ask('DELETE', `/api/v1/uploads/${id}`, undefined, headers)).status).toBe(404)
    expect((await strict.ask('GET', '/api/v1/uploads', undefined, headers)).body.items).toEqual([])
    expect((await state(id)).receivedBytes).toBe(0)
    await strict.remove()
  })
})
