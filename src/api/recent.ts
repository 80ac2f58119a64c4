// What requests know of the last moment: the boots and reports before them, and the changes that they make. Called by routes.ts.
import type { MiddlewareHandler } from 'hono'
import type { AdminDeps } from './http/endpoint.ts'

/** The longest wait for boots and reports of this server that are not in the database yet, milliseconds. */
const settleMs = 200

/** People see the boots and reports of a moment ago, although they are written in the background. */
export function settleJournal({ inventory }: Pick<AdminDeps, 'inventory'>): MiddlewareHandler {
  const paths = /^\/api\/v1\/(machines|deployments|rollouts|boots|conflicts|findings|now|changes|explain)(\/|$)/
  return async (context, next) => {
    if (paths.test(context.req.path)) await inventory.journal.settle(settleMs)
    return next()
  }
}

/** A change that was answered is known, also if the database goes away in the next moment. */
export function rememberChanges({ inventory }: Pick<AdminDeps, 'inventory'>): MiddlewareHandler {
  return async (context, next) => {
    await next()
    const { method } = context.req
    if (method !== 'GET' && method !== 'HEAD' && context.res.ok) await inventory.roster.refresh()
  }
}
