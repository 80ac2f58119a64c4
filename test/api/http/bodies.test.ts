import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { upload } from '../machines/bulk-rows.ts'

describe('bodies of requests', () => {
  let opened: OpenDb
  let api: Api
  const here = '/api/v1/machines/52-54-00-12-34-56'

  beforeAll(async () => {
    opened = await openTestDatabase()
    api = await openApi(opened.db)
  })
  afterAll(async () => {
    await api.remove()
    await opened.close()
  })
  const send = async (method: string, path: string, body: string | undefined, type?: string) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
    const response = await api.app.request(path, { method, headers, ...(body !== undefined && { body }) })
    const text = await response.text()
    return { status: response.status, text, allow: response.headers.get('allow') }
  }

  test('are required for changes, so that nothing is cleared', async () => {
    await api.ask('PUT', here, { hostname: 'keeps-its-name' })
    for (const method of ['PUT', 'PATCH'])
      for (const type of [undefined, 'application/json']) {
        const { status, text } = await send(method, here, undefined, type)
        expect([method, type, status]).toEqual([method, type, 422])
        expect(text).toContain('body: expected a JSON object')
      }
    expect((await api.ask('GET', here)).body.hostname).toBe('keeps-its-name')
  })

  test('are optional for the verification and the clean-up of files', async () => {
    for (const path of ['/api/v1/files/verify', '/api/v1/files/gc'])
      for (const type of [undefined, 'application/json']) {
        const { status, text } = await send('POST', path, undefined, type)
        expect([path, type, status, text]).toEqual([path, type, 200, expect.stringContaining('"kind":"end"')])
      }
  })

  test.each([
    ['brackets', `{"params":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`],
    ['braces', `{"params":{"x":${'{"y":'.repeat(40_000)}1${'}'.repeat(40_000)}}}`],
    ['34 levels', `{"params":{"x":${'['.repeat(34)}${']'.repeat(34)}}}`],
  ])('are refused above the limit of nested levels: %s', async (_name, assignment) => {
    const body = `{"assignment":${assignment}}`
    const { status, text } = await send('PATCH', here, body, 'application/json')
    expect([status, text]).toEqual([422, expect.stringContaining('at most 32 nested levels')])
    expect(JSON.parse(text).errors[0].field).toMatch(/^assignment\.params\.x/)
  })

  test('are refused row by row if a row is too deep', async () => {
    const deep = `{"mac":"52-54-00-12-34-61","assignment":{"params":{"x":${'['.repeat(9000)}${']'.repeat(9000)}}}}`
    const response = await api.app.request('/api/v1/machines/bulk', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: `{"mac":"52-54-00-12-34-60"}\n${deep}\n{"mac":"52-54-00-12-34-62"}\n`,
    })
    const [bad, last] = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(bad).toMatchObject({ line: 2, errors: [{ expected: expect.stringContaining('32 nested levels') }] })
    expect(last).toMatchObject({ created: 2, failed: 1, applied: true })
  })

  test('are refused with __proto__ as a name', async () => {
    for (const body of [
      '{"labels":{"__proto__":"x"}}',
      '{"assignment":{"params":{"a":{"b":[{"__proto__":1}]}}}}',
      '{"__proto__":{"hostname":"h"}}',
    ]) {
      const { status, text } = await send('PATCH', here, body, 'application/json')
      expect([body, status, text]).toEqual([body, 422, expect.stringContaining('__proto__')])
    }
    const csv = await upload(api, 'mac,label.__proto__\n52-54-00-12-34-63,x\n')
    expect([csv.status, csv.text]).toEqual([422, expect.stringContaining('__proto__')])
  })

  test('of a wrong type are refused with the types that the endpoint expects', async () => {
    const xml = await send('PATCH', here, '<a/>', 'application/xml')
    expect([xml.status, JSON.parse(xml.text).detail]).toEqual([415, 'Content-Type: expected application/json'])
    const rows = await send('POST', '/api/v1/machines/bulk', 'x', 'text/plain')
    expect([rows.status, JSON.parse(rows.text).detail]).toEqual([
      415,
      'Content-Type: expected application/x-ndjson or text/csv or application/json or application/yaml, got text/plain',
    ])
    const response = await api.app.request('/api/v1/machines/bulk', {
      method: 'POST',
      headers: { 'content-type': 'text/csv', 'content-encoding': 'br' },
      body: 'x',
    })
    expect(await response.json()).toMatchObject({ status: 415, detail: 'Content-Encoding: expected none, got br' })
  })

  test.each([
    ['GET', '/api/v1/deployments/bulk', 'POST'],
    ['PUT', '/api/v1/files/gc', 'POST'],
    ['DELETE', '/api/v1/files/verify', 'POST'],
    ['PATCH', '/api/v1/machines/export', 'GET, HEAD'],
    ['PUT', '/api/v1/machines/bulk', 'POST'],
    ['DELETE', '/api/v1/policy', 'GET, HEAD, PUT'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['POST', '/api/v1/machines/52-54-00-12-34-56', 'DELETE, GET, HEAD, PATCH, PUT'],
  ])('do not matter for %s %s, which is answered with 405 and the methods %s', async (method, path, allowed) => {
    const { status, allow } = await send(method, path, undefined)
    expect([status, allow?.split(', ').sort().join(', ')]).toEqual([405, allowed])
  })

  test('accept null exactly where the document does', async () => {
    const document = (await api.ask('GET', '/api/v1/openapi.json')).body
    // biome-ignore lint/suspicious/noExplicitAny: the document is looked into as it is
    const resolved = (schema: any): any =>
      schema?.$ref === undefined ? schema : resolved(document.components.schemas[schema.$ref.split('/').at(-1)])
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const takesNull = (given: any): boolean => {
      const schema = resolved(given)
      return [schema.type].flat().includes('null') || (schema.anyOf ?? schema.oneOf ?? []).some(takesNull)
    }
    let checked = 0
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const bodies = Object.entries<any>(document.paths).flatMap(([path, item]) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      Object.entries<any>(item).flatMap(([method, { requestBody }]) => {
        const properties = resolved(requestBody?.content?.['application/json']?.schema)?.properties
        return properties === undefined ? [] : [{ path, method, properties }]
      }),
    )
    for (const { path, method, properties } of bodies) {
      const id = '01930000-0000-7000-8000-000000000000'
      const address = path.replaceAll(/\{(id|batch)\}/g, id).replaceAll(/\{[^}]+\}/g, 'a1')
      const faultsOf = async (value: object): Promise<string[]> =>
        ((await api.ask(method.toUpperCase(), address, value)).body?.errors ?? []).map(
          ({ field }: { field: string }) => field,
        )
      // A required field is refused if it is null, and if it is missing.
      const missing = await faultsOf({})
      for (const [name, schema] of Object.entries(properties)) {
        if (missing.includes(name)) continue
        expect([method, path, name, (await faultsOf({ [name]: null })).includes(name)]).toEqual([
          method,
          path,
          name,
          !takesNull(schema),
        ])
        checked += 1
      }
    }
    expect(checked).toBeGreaterThan(60)
  })

  test('have patterns in the dialect of OpenAPI, without flags', async () => {
    const patterns: string[] = []
    JSON.stringify((await api.ask('GET', '/api/v1/openapi.json')).body, (key, value) => {
      if (key === 'pattern' && typeof value === 'string') patterns.push(value)
      return value
    })
    expect(patterns.length).toBeGreaterThan(10)
    for (const pattern of patterns) {
      expect(() => new RegExp(pattern, 'u')).not.toThrow()
      expect(pattern).not.toMatch(/\/[a-z]*$/)
    }
  })
})
