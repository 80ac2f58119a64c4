import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { readVersion } from '../../../src/lib/program-dir.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openTestDatabase } from '../../helpers/database.ts'

let opened: OpenDb
let api: Api
// biome-ignore lint/suspicious/noExplicitAny: the document is looked into as it is
let document: any

beforeAll(async () => {
  opened = await openTestDatabase()
  api = await openApi(opened.db, { trusted: false })
  document = (await api.ask('GET', '/api/v1/openapi.json')).body
})
afterAll(async () => {
  await api.remove()
  await opened.close()
})

// biome-ignore lint/suspicious/noExplicitAny: as above
function operations(): { where: string; path: string; operation: any }[] {
  return Object.entries(document.paths as Record<string, object>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ where: `${method} ${path}`, path, operation })),
  )
}

test('the document is OpenAPI 3.1 and needs no token', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(document.components.securitySchemes).toEqual({ bearerAuth: { type: 'http', scheme: 'bearer' } })
  expect(document.security).toEqual([{ bearerAuth: [] }])
})

test('an independent validator accepts the document as valid OpenAPI', async () => {
  expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true })
})

test('every reference in the document resolves', () => {
  const references: string[] = []
  JSON.stringify(document, (key, value) => {
    if (key === '$ref') references.push(value)
    return value
  })
  const resolve = (reference: string) =>
    reference
      .replace(/^#\//, '')
      .split('/')
      .reduce((inside, name) => inside?.[name], document)
  expect(references.length).toBeGreaterThan(50)
  expect(references.filter((reference) => resolve(reference) === undefined)).toEqual([])
})

test('every operation has an operationId of its own, a summary, a success and the default problem', () => {
  const ids = operations().map(({ operation }) => operation.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { where, operation } of operations()) {
    expect([where, operation.operationId]).toEqual([where, expect.stringMatching(/^[a-z][A-Za-z]+$/)])
    expect([where, operation.summary]).toEqual([where, expect.any(String)])
    const statuses = Object.keys(operation.responses)
    expect([where, statuses.some((status) => /^2\d\d$/.test(status))]).toEqual([where, true])
    const problem = operation.responses.default.content['application/problem+json'].schema
    expect([where, problem]).toEqual([where, { $ref: '#/components/schemas/Problem' }])
  }
})

test("every path's parameters are declared and required", () => {
  for (const { where, path, operation } of operations()) {
    const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1])
    const declared = (operation.parameters ?? []).filter(
      (item: { in: string; required: boolean }) => item.in === 'path' && item.required,
    )
    expect([where, declared.map((item: { name: string }) => item.name)]).toEqual([where, inPath])
  }
})

test('every schema has a type', () => {
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    expect([name, schema]).toEqual([name, expect.not.objectContaining({ nullable: true })])
    const hasType = ['type', 'oneOf', 'anyOf', 'allOf', '$ref'].some((key) => key in (schema as object))
    expect([name, hasType]).toEqual([name, true])
  }
})

test('the document has the version of the program', () => {
  expect(document.info.version).toBe(readVersion())
})

test('only the endpoints of health are open', () => {
  const open = operations().filter(({ operation }) => operation.security?.length === 0)
  expect(open.map(({ where }) => where)).toEqual(['get /healthz', 'get /readyz'])
})

test('the documentation page loads only files of the program, and its policy forbids others', async () => {
  for (const path of ['/api/v1', '/api/v1/']) {
    const reply = await api.ask('GET', path)
    expect([reply.status, reply.headers.get('location')]).toEqual([302, '/api/v1/docs'])
  }
  const page = await api.ask('GET', '/api/v1/docs')
  expect(page.status).toBe(200)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
  expect(page.body).not.toMatch(/https?:|<script>|<style>| style=| on[a-z]+=/)
  const addresses = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match: string[]) => match[1] as string)
  expect(addresses.length).toBe(4)
  for (const address of addresses) {
    const asset = await api.app.request(address)
    expect([address, asset.status, (await asset.arrayBuffer()).byteLength > 50]).toEqual([address, 200, true])
  }
})
