// The OpenAPI document.
import type { OpenAPIHono } from '@hono/zod-openapi'
import { readVersion } from '../../lib/program-dir.ts'

/** The OpenAPI 3.1 document of the app's endpoints. */
export function openApiDocument(app: OpenAPIHono, tags: string[]) {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Bootwright',
      version: readVersion(),
      description:
        'The admin API of Bootwright: what machines boot from the network, and why. Errors are RFC 9457 problems. Times are ISO 8601 in UTC.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearerAuth: [] }],
    tags: tags.map((name) => ({ name })),
  })
  return plainReferences(document, takeNullables(document.components?.schemas ?? {}))
}

/** Removes null, which the library adds, from nullable components. Returns the references to these components. */
function takeNullables(schemas: object): Set<unknown> {
  const nullable = Object.entries(schemas as Record<string, { type?: unknown }>).filter(
    ([, { type }]) => Array.isArray(type) && type.includes('null'),
  )
  for (const [, schema] of nullable) schema.type = (schema.type as string[]).find((type) => type !== 'null')
  return new Set(nullable.map(([name]) => `#/components/schemas/${name}`))
}

/**
 * Writes references as OpenAPI 3.1 specifies, instead of the library's `allOf`. A nullable reference becomes `anyOf`,
 * because no value is valid for `allOf` with null. A description is placed beside `$ref`.
 */
function plainReferences<Value>(value: Value, nullable: Set<unknown>): Value {
  if (Array.isArray(value)) return value.map((inside) => plainReferences(inside, nullable)) as Value
  if (value === null || typeof value !== 'object') return value
  const { allOf, ...beside } = Object.fromEntries(
    Object.entries(value).map(([key, inside]) => [key, plainReferences(inside, nullable)]),
  )
  if (nullable.has(beside.$ref)) return { anyOf: [beside, { type: 'null' }] } as Value
  if (allOf === undefined) return beside as Value
  const [reference, added, ...others] = allOf as Record<string, unknown>[]
  if (reference?.$ref === undefined || added === undefined || others.length > 0) return { ...beside, allOf } as Value
  const { type, ...annotations } = added
  if (Object.keys(annotations).some((key) => !['description', 'example', 'default'].includes(key)))
    return { ...beside, allOf } as Value
  const isNullable = Array.isArray(type) && type.includes('null')
  const schema = isNullable ? { anyOf: [reference, { type: 'null' }] } : reference
  return { ...beside, ...schema, ...annotations } as Value
}
