// /rollouts/{id}/events: a rollout as it changes.
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from '@hono/zod-openapi'
import type { Scope } from '../../model/access/scope.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { eventsOf, feedClientOf, tooManyFollow } from '../http/streams.ts'
import { byId, findBody } from './rollouts.ts'

const pollMs = 1000
const idleMs = 15_000
const maxFollowers = 50

let followers = 0

export const follow = endpoint({
  operationId: 'followRollout',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'Follow a rollout, as server-sent events',
  description:
    'Each event `rollout` has the document of `GET /rollouts/{id}` as data. An event comes at once, and then whenever the rollout changed, at most once a second. A comment comes every 15 s if nothing changed. The stream ends when the token is revoked.',
  params: byId,
  returns: z.string().openapi({ example: 'event: rollout\ndata: {…}\n\n' }),
  returnsType: 'text/event-stream',
  statuses: { 200: 'The events, until the client disconnects' },
  answer: async ({ db, feed }, { params: { id }, scope }, context) => {
    await findBody(db, id, scope)
    if (followers >= maxFollowers) return tooManyFollow('rollouts')
    followers += 1
    const gone = new AbortController()
    const { revoked, leave } = feed.watch(feedClientOf(context))
    return eventsOf(textsOf(db, id, scope, AbortSignal.any([gone.signal, revoked])), () => {
      if (!gone.signal.aborted) followers -= 1
      gone.abort()
      leave()
    })
  },
})

async function* textsOf(db: AdminDeps['db'], id: string, scope: Scope | undefined, signal: AbortSignal) {
  let last = ''
  let saidAt = performance.now()
  while (!signal.aborted) {
    const json = JSON.stringify(await findBody(db, id, scope))
    const now = performance.now()
    if (json !== last || now - saidAt >= idleMs) {
      yield json === last ? ': none\n\n' : `event: rollout\ndata: ${json}\n\n`
      last = json
      saidAt = now
    }
    await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
}
