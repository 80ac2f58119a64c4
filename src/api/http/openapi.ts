// The OpenAPI document, and the description of each endpoint in it.
import { createRoute, type OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import { roleFor } from '../../auth/may.ts'
import { readVersion } from '../../lib/program-dir.ts'
import { problemSchema } from '../schemas/system/problem.ts'
import type { Endpoint, Method } from './endpoint.ts'
import { conditionalHeaders } from './preconditions.ts'

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

/** The description of an endpoint at a method and a path, under its tag. */
export function routeOf(spec: Endpoint, method: Method, path: string, tag: string): RouteConfig {
  return createRoute({
    method,
    path,
    tags: [tag],
    operationId: spec.operationId,
    summary: spec.summary,
    ...(spec.description !== undefined && { description: spec.description }),
    ...(spec.action === 'open' ? { security: [] } : { 'x-action': spec.action, 'x-role': roleFor(spec.action) }),
    request: requestOf(spec),
    responses: responsesOf(spec),
  } as RouteConfig)
}

function requestOf(spec: Endpoint): RouteConfig['request'] {
  const bytes = z.string().openapi({ type: 'string', format: 'binary' })
  return {
    ...(spec.params !== undefined && { params: spec.params as z.ZodObject }),
    ...(spec.query !== undefined && { query: spec.query as z.ZodObject }),
    ...(spec.conditional && { headers: conditionalHeaders }),
    ...(spec.headers !== undefined && { headers: spec.headers }),
    ...(spec.body !== undefined && {
      body: { required: !spec.bodyOptional, content: { 'application/json': { schema: spec.body } } },
    }),
    ...(spec.bodyIsBytes && {
      body: {
        required: true,
        content: {
          // JSON comes first, because client generators take the first type.
          ...(spec.bodyJson && contentOf(['application/json'], spec.bodyJson)),
          ...contentOf((spec.bodyTypes ?? ['application/octet-stream']).filter(isOtherType), bytes),
        },
      },
    }),
  }
}

function responsesOf(spec: Endpoint): RouteConfig['responses'] {
  const types = spec.returnsTypes ?? [spec.returnsType ?? 'application/json']
  const content = spec.returns && {
    ...(spec.returnsSummary && contentOf(['application/json'], spec.returnsSummary)),
    ...contentOf(types, spec.returns),
  }
  const refusal = { 'application/problem+json': { schema: problemSchema } }
  const answers = Object.entries(spec.statuses).map(([status, description]) => [
    status,
    { description, ...(status !== '204' && content && { content: { ...content, ...(status === '422' && refusal) } }) },
  ])
  return {
    ...Object.fromEntries(answers),
    default: {
      description: 'The error (RFC 9457)',
      content: refusal,
    },
  }
}

function isOtherType(type: string): boolean {
  return type !== 'application/json'
}

function contentOf(types: readonly string[], schema: z.ZodType) {
  return Object.fromEntries(types.map((type) => [type, { schema }]))
}
