import { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import * as boots from './boots.ts'
import { registerDocs } from './docs.ts'
import { type AdminDeps, type ApiEnv, type Endpoint, type Method, register } from './endpoint.ts'
import * as files from './files.ts'
import * as health from './health.ts'
import * as images from './images.ts'
import * as machines from './machines.ts'
import * as policy from './policy.ts'
import * as previews from './previews.ts'
import { problem, problemTranslator, refuseInvalid } from './problems.ts'
import * as tokens from './tokens.ts'

export type { AdminDeps } from './endpoint.ts'

const prefix = '/api/v1'

const table: [Method, string, Endpoint, tag: string][] = [
  ['get', `${prefix}/machines`, machines.list, 'machines'],
  ['get', `${prefix}/machines/{id}`, machines.get, 'machines'],
  ['put', `${prefix}/machines/{id}`, machines.put, 'machines'],
  ['patch', `${prefix}/machines/{id}`, machines.patch, 'machines'],
  ['delete', `${prefix}/machines/{id}`, machines.remove, 'machines'],
  ['get', `${prefix}/machines/{id}/script`, previews.script, 'machines'],
  ['get', `${prefix}/machines/{id}/decision`, previews.decision, 'machines'],
  ['get', `${prefix}/images`, images.list, 'images'],
  ['get', `${prefix}/images/{name}`, images.get, 'images'],
  ['put', `${prefix}/images/{name}`, images.put, 'images'],
  ['patch', `${prefix}/images/{name}`, images.patch, 'images'],
  ['delete', `${prefix}/images/{name}`, images.remove, 'images'],
  ['get', `${prefix}/images/{name}/versions`, images.versions, 'images'],
  ['get', `${prefix}/files`, files.list, 'files'],
  ['get', `${prefix}/files/{sha256}`, files.get, 'files'],
  ['put', `${prefix}/files/{sha256}`, files.put, 'files'],
  ['get', `${prefix}/boots`, boots.list, 'boots'],
  ['get', `${prefix}/boots/{id}`, boots.get, 'boots'],
  ['get', `${prefix}/policy`, policy.get, 'policy'],
  ['put', `${prefix}/policy`, policy.put, 'policy'],
  ['get', `${prefix}/tokens`, tokens.list, 'tokens'],
  ['post', `${prefix}/tokens`, tokens.create, 'tokens'],
  ['delete', `${prefix}/tokens/{id}`, tokens.revoke, 'tokens'],
  ['get', '/healthz', health.get, 'health'],
]

/** The admin HTTP API, its OpenAPI document at /api/v1/openapi.json and a page to read it at /api/v1/docs. */
export function createAdminApp(deps: AdminDeps): OpenAPIHono {
  const app = new OpenAPIHono({ defaultHook: refuseInvalid })
  app.onError(problemTranslator(deps.log, deps.databaseAnswers))
  app.notFound((context) => problem({ status: 404, detail: `there is nothing at ${context.req.path}` }))
  app.use(async (context, next) => {
    await next()
    context.header('x-content-type-options', 'nosniff')
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store')
  })

  registerDocs(app)
  app.get(`${prefix}/openapi.json`, (context) => context.json(openApiDocument(app)))
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearerAuth', { type: 'http', scheme: 'bearer' })
  app.use(`${prefix}/*`, deps.trusted ? setOperator : tokens.requireToken(deps.db))
  app.use(
    methodNotAllowed({ app, onMethodNotAllowed: (context, allowed) => refuseMethod(context.req.method, allowed) }),
  )
  for (const [method, path, spec, tag] of table) register(app, deps, method, path, tag, spec)
  return app
}

const setOperator: MiddlewareHandler<ApiEnv> = (context, next) => {
  context.set('actor', 'operator')
  return next()
}

/** The OpenAPI 3.1 document of the app's endpoints. */
function openApiDocument(app: OpenAPIHono) {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Bootwright',
      version: '1',
      description:
        'What machines boot from the network, and why. Errors are RFC 9457 problems; times are ISO 8601 in UTC.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearerAuth: [] }],
    tags: [...new Set(table.map(([, , , tag]) => tag))].map((name) => ({ name })),
  })
}

function refuseMethod(method: string, allowed: string[]): Response {
  return problem({ status: 405, detail: `${method} is not for this address`, headers: { allow: allowed.join(', ') } })
}
