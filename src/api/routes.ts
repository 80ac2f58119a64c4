// The table of URLs of the admin API.
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { schemaMessages } from '../lib/schema-faults.ts'
import { requirePrincipal, requireScraper } from './access/authentication.ts'
import * as me from './access/me.ts'
import * as people from './access/people.ts'
import * as sessions from './access/sessions.ts'
import * as tokens from './access/tokens.ts'
import * as batches from './boots/batches.ts'
import * as boots from './boots/boots.ts'
import * as deployments from './boots/deployments.ts'
import * as drafts from './boots/draft-previews.ts'
import * as now from './boots/now.ts'
import * as previews from './boots/previews.ts'
import * as rolloutActions from './boots/rollout-actions.ts'
import * as rolloutEvents from './boots/rollout-events.ts'
import * as rollouts from './boots/rollouts.ts'
import * as strips from './boots/strips.ts'
import * as timeline from './boots/timeline.ts'
import * as changes from './changes/changes.ts'
import * as webhooks from './changes/webhooks.ts'
import { registerDocs } from './http/docs.ts'
import { type AdminDeps, type Endpoint, type Method, register } from './http/endpoint.ts'
import { openApiDocument } from './http/openapi.ts'
import { problem, problemTranslator, refuseInvalid } from './http/problems.ts'
import { requestLog } from './http/request-log.ts'
import * as answerFiles from './images/answer-files.ts'
import * as fileCare from './images/file-care.ts'
import * as files from './images/files.ts'
import * as images from './images/images.ts'
import * as imports from './images/imports.ts'
import * as recipes from './images/recipes.ts'
import * as uploads from './images/uploads.ts'
import * as imageVersions from './images/versions.ts'
import * as machineActions from './machines/actions.ts'
import * as machineBulk from './machines/bulk.ts'
import * as machineExport from './machines/export.ts'
import * as findings from './machines/findings.ts'
import * as groups from './machines/groups.ts'
import * as machineLabels from './machines/labels.ts'
import * as machines from './machines/machines.ts'
import * as menus from './machines/menus.ts'
import * as machineMerge from './machines/merge.ts'
import * as policy from './machines/policy.ts'
import * as powerOrders from './machines/power/orders.ts'
import * as powerRequests from './machines/power/requests.ts'
import * as powerSettings from './machines/power/settings.ts'
import { groupSecrets, machineSecrets } from './machines/secrets.ts'
import * as archivedMachines from './machines/sync/archived.ts'
import * as machineRelease from './machines/sync/release.ts'
import * as machineSync from './machines/sync/sync.ts'
import { rememberChanges, settleJournal } from './recent.ts'
import * as bootPrograms from './system/boot-programs.ts'
import * as codes from './system/codes.ts'
import * as dhcpConfig from './system/dhcp-config.ts'
import * as doctor from './system/doctor.ts'
import * as folder from './system/folder.ts'
import * as foreignServers from './system/foreign-servers.ts'
import * as health from './system/health.ts'
import * as metrics from './system/metrics.ts'
import * as server from './system/server.ts'

export type { AdminDeps } from './http/endpoint.ts'

const prefix = '/api/v1'

const table: [Method, string, Endpoint, tag: string][] = [
  ['get', `${prefix}/machines`, machines.list, 'machines'],
  ['post', `${prefix}/machines`, machines.create, 'machines'],
  ['delete', `${prefix}/machines/discovered`, machines.forget, 'machines'],
  ['post', `${prefix}/machines/bulk`, machineBulk.upsert, 'machines'],
  ['post', `${prefix}/machines/actions`, machineActions.act, 'machines'],
  ['post', `${prefix}/machines/sync`, machineSync.sync, 'machines'],
  ['get', `${prefix}/machines/archived`, archivedMachines.list, 'machines'],
  ['get', `${prefix}/machines/archived/{id}`, archivedMachines.get, 'machines'],
  ['post', `${prefix}/machines/archived/{id}/restore`, archivedMachines.restore, 'machines'],
  ['delete', `${prefix}/machines/archived/{id}`, archivedMachines.remove, 'machines'],
  ['get', `${prefix}/machines/deleted`, machineActions.deleted, 'machines'],
  ['get', `${prefix}/machines/labels`, machineLabels.list, 'machines'],
  ['get', `${prefix}/machines/export`, machineExport.all, 'machines'],
  ['get', `${prefix}/machines/strips`, strips.list, 'machines'],
  ['get', `${prefix}/machines/{id}`, machines.get, 'machines'],
  ['put', `${prefix}/machines/{id}`, machines.put, 'machines'],
  ['patch', `${prefix}/machines/{id}`, machines.patch, 'machines'],
  ['delete', `${prefix}/machines/{id}`, machines.remove, 'machines'],
  ['post', `${prefix}/machines/{id}/merge`, machineMerge.merge, 'machines'],
  ['post', `${prefix}/machines/{id}/archive`, archivedMachines.archive, 'machines'],
  ['post', `${prefix}/machines/{id}/release`, machineRelease.release, 'machines'],
  ['get', `${prefix}/conflicts`, machineMerge.conflicts, 'machines'],
  ['get', `${prefix}/machines/{id}/timeline`, timeline.get, 'machines'],
  ['get', `${prefix}/machines/{id}/script`, previews.script, 'machines'],
  ['get', `${prefix}/machines/{id}/decision`, previews.decision, 'machines'],
  ['get', `${prefix}/machines/{id}/answers`, previews.answers, 'machines'],
  ['get', `${prefix}/machines/{id}/secrets`, machineSecrets.list, 'secrets'],
  ['put', `${prefix}/machines/{id}/secrets/{secret}`, machineSecrets.put, 'secrets'],
  ['delete', `${prefix}/machines/{id}/secrets/{secret}`, machineSecrets.remove, 'secrets'],
  ['get', `${prefix}/machines/{id}/power`, powerSettings.get, 'power'],
  ['put', `${prefix}/machines/{id}/power`, powerSettings.put, 'power'],
  ['delete', `${prefix}/machines/{id}/power`, powerSettings.remove, 'power'],
  ['post', `${prefix}/machines/{id}/power`, powerOrders.single, 'power'],
  ['post', `${prefix}/machines/power`, powerOrders.many, 'power'],
  ['get', `${prefix}/power-requests`, powerRequests.list, 'power'],
  ['get', `${prefix}/power-requests/{id}`, powerRequests.get, 'power'],
  ['post', `${prefix}/power-requests/cancel`, powerRequests.cancel, 'power'],
  ['get', `${prefix}/explain`, previews.explain, 'machines'],
  ['get', `${prefix}/groups`, groups.list, 'groups'],
  ['get', `${prefix}/groups/{name}`, groups.get, 'groups'],
  ['put', `${prefix}/groups/{name}`, groups.put, 'groups'],
  ['patch', `${prefix}/groups/{name}`, groups.patch, 'groups'],
  ['delete', `${prefix}/groups/{name}`, groups.remove, 'groups'],
  ['post', `${prefix}/groups/{name}/preview`, drafts.group, 'groups'],
  ['get', `${prefix}/groups/{name}/secrets`, groupSecrets.list, 'secrets'],
  ['put', `${prefix}/groups/{name}/secrets/{secret}`, groupSecrets.put, 'secrets'],
  ['delete', `${prefix}/groups/{name}/secrets/{secret}`, groupSecrets.remove, 'secrets'],
  ['get', `${prefix}/deployments`, deployments.list, 'deployments'],
  ['post', `${prefix}/deployments`, deployments.arm, 'deployments'],
  ['post', `${prefix}/deployments/bulk`, deployments.armMany, 'deployments'],
  ['post', `${prefix}/deployments/cancel`, deployments.cancelMany, 'deployments'],
  ['get', `${prefix}/deployments/batches`, batches.list, 'deployments'],
  ['get', `${prefix}/deployments/batches/{batch}`, batches.get, 'deployments'],
  ['post', `${prefix}/deployments/batches/{batch}/retry`, batches.retry, 'deployments'],
  ['get', `${prefix}/deployments/{id}`, deployments.get, 'deployments'],
  ['post', `${prefix}/deployments/{id}/cancel`, deployments.cancel, 'deployments'],
  ['get', `${prefix}/rollouts`, rollouts.list, 'rollouts'],
  ['post', `${prefix}/rollouts`, rollouts.create, 'rollouts'],
  ['get', `${prefix}/rollouts/{id}`, rollouts.get, 'rollouts'],
  ['get', `${prefix}/rollouts/{id}/machines`, rollouts.machines, 'rollouts'],
  ['get', `${prefix}/rollouts/{id}/events`, rolloutEvents.follow, 'rollouts'],
  ['post', `${prefix}/rollouts/{id}/pause`, rolloutActions.pause, 'rollouts'],
  ['post', `${prefix}/rollouts/{id}/resume`, rolloutActions.resume, 'rollouts'],
  ['post', `${prefix}/rollouts/{id}/approve`, rolloutActions.approve, 'rollouts'],
  ['post', `${prefix}/rollouts/{id}/cancel`, rolloutActions.cancel, 'rollouts'],
  ['post', `${prefix}/rollouts/{id}/retry`, rolloutActions.retry, 'rollouts'],
  ['post', `${prefix}/rollouts/{id}/rollback`, rolloutActions.rollback, 'rollouts'],
  ['get', `${prefix}/menus`, menus.list, 'menus'],
  ['get', `${prefix}/menus/{name}`, menus.get, 'menus'],
  ['get', `${prefix}/menus/{name}/uses`, menus.uses, 'menus'],
  ['put', `${prefix}/menus/{name}`, menus.put, 'menus'],
  ['patch', `${prefix}/menus/{name}`, menus.patch, 'menus'],
  ['delete', `${prefix}/menus/{name}`, menus.remove, 'menus'],
  ['post', `${prefix}/menus/{name}/preview`, drafts.menu, 'menus'],
  ['get', `${prefix}/answer-files`, answerFiles.list, 'answer files'],
  ['get', `${prefix}/answer-files/{name}`, answerFiles.get, 'answer files'],
  ['get', `${prefix}/answer-files/{name}/uses`, answerFiles.uses, 'answer files'],
  ['put', `${prefix}/answer-files/{name}`, answerFiles.put, 'answer files'],
  ['patch', `${prefix}/answer-files/{name}`, answerFiles.patch, 'answer files'],
  ['delete', `${prefix}/answer-files/{name}`, answerFiles.remove, 'answer files'],
  ['post', `${prefix}/answer-files/{name}/preview`, drafts.answers, 'answer files'],
  ['get', `${prefix}/answer-files/{name}/versions`, answerFiles.versions, 'answer files'],
  ['get', `${prefix}/images`, images.list, 'images'],
  ['get', `${prefix}/image-summaries`, images.summaries, 'images'],
  ['get', `${prefix}/images/{name}`, images.get, 'images'],
  ['get', `${prefix}/images/{name}/uses`, images.uses, 'images'],
  ['put', `${prefix}/images/{name}`, images.put, 'images'],
  ['patch', `${prefix}/images/{name}`, images.patch, 'images'],
  ['delete', `${prefix}/images/{name}`, images.remove, 'images'],
  ['get', `${prefix}/images/{name}/versions`, imageVersions.list, 'images'],
  ['get', `${prefix}/images/{name}/versions/{version}`, imageVersions.get, 'images'],
  ['get', `${prefix}/images/{name}/versions/{version}/files`, imageVersions.files, 'images'],
  ['delete', `${prefix}/images/{name}/versions/{version}`, imageVersions.remove, 'images'],
  ['get', `${prefix}/images/{name}/diff`, imageVersions.diff, 'images'],
  ['get', `${prefix}/imports`, imports.list, 'imports'],
  ['post', `${prefix}/imports`, imports.create, 'imports'],
  ['get', `${prefix}/imports/{id}`, imports.get, 'imports'],
  ['post', `${prefix}/imports/{id}/cancel`, imports.cancel, 'imports'],
  ['post', `${prefix}/imports/{id}/retry`, imports.retry, 'imports'],
  ['get', `${prefix}/recipes`, recipes.list, 'imports'],
  ['get', `${prefix}/recipes/{name}`, recipes.get, 'imports'],
  ['put', `${prefix}/recipes/{name}`, recipes.put, 'imports'],
  ['delete', `${prefix}/recipes/{name}`, recipes.remove, 'imports'],
  ['post', `${prefix}/recipes/{name}/check`, recipes.check, 'imports'],
  ['get', `${prefix}/files`, files.list, 'files'],
  ['get', `${prefix}/files/{sha256}`, files.get, 'files'],
  ['put', `${prefix}/files/{sha256}`, files.put, 'files'],
  ['delete', `${prefix}/files/{sha256}`, fileCare.remove, 'files'],
  ['post', `${prefix}/files/verify`, fileCare.verify, 'files'],
  ['post', `${prefix}/files/gc`, fileCare.clear, 'files'],
  ['get', `${prefix}/files/{sha256}/upload`, files.upload, 'files'],
  ['get', `${prefix}/uploads`, uploads.list, 'files'],
  ['post', `${prefix}/uploads`, uploads.create, 'files'],
  ['get', `${prefix}/uploads/{id}`, uploads.get, 'files'],
  ['put', `${prefix}/uploads/{id}`, uploads.put, 'files'],
  ['delete', `${prefix}/uploads/{id}`, uploads.remove, 'files'],
  ['get', `${prefix}/now`, now.get, 'boots'],
  ['get', `${prefix}/now/events`, now.follow, 'boots'],
  ['get', `${prefix}/boots`, boots.list, 'boots'],
  ['get', `${prefix}/boots/{id}`, boots.get, 'boots'],
  ['get', `${prefix}/changes`, changes.list, 'changes'],
  ['get', `${prefix}/change-types`, changes.types, 'changes'],
  ['get', `${prefix}/events`, changes.follow, 'changes'],
  ['get', `${prefix}/webhooks`, webhooks.list, 'webhooks'],
  ['post', `${prefix}/webhooks`, webhooks.create, 'webhooks'],
  ['patch', `${prefix}/webhooks/{id}`, webhooks.patch, 'webhooks'],
  ['delete', `${prefix}/webhooks/{id}`, webhooks.remove, 'webhooks'],
  ['post', `${prefix}/webhooks/{id}/test`, webhooks.test, 'webhooks'],
  ['get', `${prefix}/webhooks/{id}/dead`, webhooks.dead, 'webhooks'],
  ['post', `${prefix}/webhooks/{id}/dead/{message}/retry`, webhooks.retry, 'webhooks'],
  ['get', `${prefix}/findings`, findings.list, 'findings'],
  ['get', `${prefix}/codes`, codes.list, 'codes'],
  ['get', `${prefix}/codes/{code}`, codes.get, 'codes'],
  ['get', `${prefix}/foreign-servers`, foreignServers.list, 'network'],
  ['post', `${prefix}/foreign-servers/{id}/acknowledge`, foreignServers.acknowledge, 'network'],
  ['delete', `${prefix}/foreign-servers/{id}`, foreignServers.remove, 'network'],
  ['post', `${prefix}/apply`, folder.apply, 'folder'],
  ['get', `${prefix}/export`, folder.exportAll, 'folder'],
  ['get', `${prefix}/policy`, policy.get, 'policy'],
  ['put', `${prefix}/policy`, policy.put, 'policy'],
  ['get', `${prefix}/tokens`, tokens.list, 'tokens'],
  ['post', `${prefix}/tokens`, tokens.create, 'tokens'],
  ['delete', `${prefix}/tokens/{id}`, tokens.revoke, 'tokens'],
  ['get', `${prefix}/people`, people.list, 'people'],
  ['post', `${prefix}/people`, people.create, 'people'],
  ['get', `${prefix}/people/{person}`, people.get, 'people'],
  ['patch', `${prefix}/people/{person}`, people.patch, 'people'],
  ['delete', `${prefix}/people/{person}`, people.remove, 'people'],
  ['post', `${prefix}/people/{person}/reset`, people.reset, 'people'],
  ['delete', `${prefix}/people/{person}/sessions`, people.revokeSessions, 'people'],
  ['get', `${prefix}/sessions`, sessions.list, 'people'],
  ['delete', `${prefix}/sessions/{id}`, sessions.revoke, 'people'],
  ['get', `${prefix}/me`, me.get, 'people'],
  ['get', `${prefix}/me/sessions`, sessions.listOwn, 'people'],
  ['delete', `${prefix}/me/sessions/{id}`, sessions.revokeOwn, 'people'],
  ['put', `${prefix}/me/password`, me.putPassword, 'people'],
  ['get', `${prefix}/about`, server.about, 'server'],
  ['get', `${prefix}/settings`, server.settings, 'server'],
  ['get', `${prefix}/interfaces`, server.interfaces, 'dhcp'],
  ['get', `${prefix}/proxy-dhcp`, server.proxyDhcp, 'dhcp'],
  ['put', `${prefix}/proxy-dhcp`, server.switchProxyDhcp, 'dhcp'],
  ['get', `${prefix}/boot-programs`, bootPrograms.list, 'dhcp'],
  ['get', `${prefix}/dhcp-config`, dhcpConfig.list, 'dhcp'],
  ['get', `${prefix}/dhcp-config/{server}`, dhcpConfig.get, 'dhcp'],
  ['get', `${prefix}/doctor`, doctor.about, 'doctor'],
  ['post', `${prefix}/doctor`, doctor.run, 'doctor'],
  ['get', '/healthz', health.get, 'health'],
  ['get', '/readyz', health.ready, 'health'],
  ['get', '/metrics', metrics.get, 'health'],
]

/** The admin HTTP API, its OpenAPI document at /api/v1/openapi.json and a page to read it at /api/v1/docs. */
export function createAdminApp(deps: AdminDeps): OpenAPIHono {
  // The validators of endpoints accept no error map.
  z.config({ customError: schemaMessages })
  const app = new OpenAPIHono({ defaultHook: refuseInvalid })
  app.onError(problemTranslator(deps))
  app.notFound((context) => problem({ status: 404, detail: `no such path: ${context.req.path}` }))
  app.use(requestLog(deps, routeOf))
  app.use(async (context, next) => {
    await next()
    context.header('x-content-type-options', 'nosniff')
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store')
  })

  registerDocs(app)
  app.get(`${prefix}/openapi.json`, (context) =>
    context.json(openApiDocument(app, [...new Set(table.map(([, , , tag]) => tag))])),
  )
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearerAuth', { type: 'http', scheme: 'bearer' })
  app.use(`${prefix}/*`, requirePrincipal(deps))
  app.use('/metrics', requireScraper(deps))
  app.use(refuseOtherMethods())
  app.use(
    methodNotAllowed({ app, onMethodNotAllowed: (context, allowed) => refuseMethod(context.req.method, allowed) }),
  )
  app.use(settleJournal(deps))
  app.use(rememberChanges(deps))
  for (const [method, path, spec, tag] of table) register(app, deps, method, path, tag, spec)
  return app
}

// `/files/gc` also matches `/files/{sha256}`: without this check, the router would send its other methods there.
function refuseOtherMethods(): MiddlewareHandler {
  const methods = new Map<string, string[]>()
  for (const [method, path] of table) {
    if (path.includes('{')) continue
    const allowed = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]
    methods.set(path, [...(methods.get(path) ?? []), ...allowed])
  }
  return async (context, next) => {
    const allowed = methods.get(context.req.path)
    if (allowed === undefined || allowed.includes(context.req.method)) return next()
    return refuseMethod(context.req.method, allowed)
  }
}

/** The noun of a path: `/api/v1/machines` for each path below it. */
function routeOf(path: string): string {
  const [, noun = ''] = /^\/api\/v1\/([a-z-]{1,32})(?:\/|$)/.exec(path) ?? []
  if (nouns.has(noun)) return `${prefix}/${noun}`
  return ['/healthz', '/readyz', '/metrics'].includes(path) ? path : 'other'
}
const nouns = new Set([...table.map(([, path]) => path.split('/')[3] ?? ''), 'docs'])

function refuseMethod(method: string, allowed: string[]): Response {
  return problem({ status: 405, detail: `${method} is not allowed here`, headers: { allow: allowed.join(', ') } })
}
