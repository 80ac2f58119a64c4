import { createHash } from 'node:crypto'
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

eachDatabase('file maintenance over HTTP', (database) => {
  let api: Api
  let kernel: { sha256: string; name: string }
  let spare: { sha256: string; name: string }
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    kernel = await put('vmlinuz', 'a kernel')
    spare = await put('spare', 'a spare')
    await api.ask('PUT', '/api/v1/images/d', { variants: [{ kind: 'ipxe', arch: 'x86_64', file: kernel }] })
  })

  const put = async (name: string, text: string) => {
    const sha256 = hashOf(text)
    const { status } = await api.app.request(`/api/v1/files/${sha256}?name=${name}`, { method: 'PUT', body: text })
    expect(status).toBeLessThan(300)
    return { sha256, name }
  }
  const pathOf = ({ sha256 }: { sha256: string }) => join(api.folder, sha256.slice(0, 2), sha256)
  const lines = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const response = await api.app.request(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', accept: 'application/x-ndjson', ...headers },
    })
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'application/x-ndjson; charset=utf-8',
    ])
    const text = await response.text()
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
  const verify = (body: object) => lines('/api/v1/files/verify', body)

  test('verifies given files, the files of images, or all files', async () => {
    const good = { kind: 'checked', ...kernel, sizeBytes: 8, damage: null }
    expect(await verify({ files: [kernel.sha256, kernel.sha256] })).toEqual([
      good,
      { kind: 'end', checked: 1, damaged: 0, failed: 0, bytes: 8 },
    ])
    expect(await verify({ images: ['d'] })).toMatchObject([good, { kind: 'end', checked: 1 }])
    expect(await verify({})).toMatchObject([{}, {}, { kind: 'end', checked: 2, bytes: 15 }])
    await writeFile(pathOf(kernel), 'a Kernel')
    expect(await verify({ images: ['d'] })).toMatchObject([
      { damage: `its sha256 is ${hashOf('a Kernel')}` },
      { kind: 'end', damaged: 1 },
    ])
    expect((await api.ask('GET', `/api/v1/files/${kernel.sha256}`)).body).toMatchObject({
      damage: expect.stringContaining(`its sha256 is ${hashOf('a Kernel')} (seen `),
      checkedAt: expect.any(String),
    })
    expect((await api.ask('GET', '/api/v1/changes?type=file.damaged')).body.items).toMatchObject([
      { subject: kernel.sha256, after: { name: 'vmlinuz', sizeBytes: 8 } },
    ])
  })

  test('refuses unknown files and invalid hashes before the stream begins', async () => {
    expect(await api.ask('POST', '/api/v1/files/verify', { images: ['e'] })).toMatchObject({
      status: 404,
      body: { detail: 'there is no image e' },
    })
    expect(await api.ask('POST', '/api/v1/files/verify', { files: ['f'.repeat(64)] })).toMatchObject({ status: 404 })
    for (const body of [{ files: ['x'] }, { files: [] }, { all: true }, { images: ['A b'] }])
      expect((await api.ask('POST', '/api/v1/files/verify', body)).status).toBe(422)
    for (const body of [{ olderThanHours: -1 }, { olderThanHours: 1.5 }, { dryRun: 'no' }, { yes: true }])
      expect((await api.ask('POST', '/api/v1/files/gc', body)).status).toBe(422)
  })

  test('deletes unused files only on request, and keeps recent files', async () => {
    expect(await lines('/api/v1/files/gc', {})).toEqual([{ kind: 'end', dryRun: true, files: 0, bytes: 0, damaged: 0 }])
    await database().execute(sql`update files set created_at = now() - interval '2 days'`)
    const about = { kind: 'unnamed', ...spare, sizeBytes: 7 }
    expect(await lines('/api/v1/files/gc', {})).toMatchObject([
      { ...about, removed: false },
      { files: 1, bytes: 7 },
    ])
    // The work does not run in a transaction that delays the answer.
    const key = { 'idempotency-key': 'once' }
    expect(await lines('/api/v1/files/gc', { dryRun: false }, key)).toMatchObject([{ ...about, removed: true }, {}])
    expect((await api.ask('GET', `/api/v1/files/${spare.sha256}`)).status).toBe(404)
    expect(await api.deps.store.size(spare.sha256)).toBeUndefined()
    expect((await api.ask('GET', '/api/v1/changes?type=file.deleted')).body.items).toMatchObject([
      { actor: 'operator', subject: spare.sha256 },
    ])
  })

  test('stops a verification when its client disconnects', async () => {
    const body = JSON.stringify({})
    const response = await api.app.request('/api/v1/files/verify', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' },
    })
    await response.body?.cancel()
    expect((await verify({ files: [kernel.sha256] })).at(-1)).toMatchObject({ kind: 'end', checked: 1 })
  })

  test('deletes a file unless an image refers to it', async () => {
    expect(await api.ask('DELETE', `/api/v1/files/${kernel.sha256}`)).toMatchObject({
      status: 409,
      body: { detail: `file vmlinuz (${kernel.sha256.slice(0, 12)}…) is used by image d version 1` },
    })
    expect((await api.ask('DELETE', `/api/v1/files/${spare.sha256}`)).status).toBe(204)
    expect((await api.ask('DELETE', `/api/v1/files/${spare.sha256}`)).status).toBe(404)
  })

  test('stores an upload of a file that is being deleted, or asks for a retry', async () => {
    const texts = Array.from({ length: 24 }, (_, n) => `text ${n}`)
    for (const text of texts) await put('old', text)
    const then = new Date(Date.now() - 48 * 3_600_000)
    for (const text of texts) await utimes(pathOf({ sha256: hashOf(text) }), then, then)
    await database().execute(sql`update files set created_at = now() - interval '2 days'`)
    const puts = texts.map((text) =>
      api.app.request(`/api/v1/files/${hashOf(text)}?name=again`, { method: 'PUT', body: text }),
    )
    const [, ...answers] = await Promise.all([lines('/api/v1/files/gc', { dryRun: false }), ...puts])
    for (const [n, { status }] of (answers as Response[]).entries()) {
      expect([200, 201, 409]).toContain(status)
      const sha256 = hashOf(texts[n] as string)
      const recorded = (await api.ask('GET', `/api/v1/files/${sha256}`)).status === 200
      if (status !== 409) expect(recorded).toBe(true)
      if (recorded) expect(await api.deps.store.size(sha256)).toBe(texts[n]?.length)
    }
  })
})
