// /now: what happens at this moment, as one document and as it changes.
import { z } from '@hono/zod-openapi'
import { endpoint } from '../http/endpoint.ts'
import { eventsOf, feedClientOf, tooManyFollow } from '../http/streams.ts'
import { nowQuery, nowSchema } from '../schemas/boots/now.ts'

export const get = endpoint({
  operationId: 'getNow',
  action: 'boots.read',
  summary: 'Get what happens at this moment: boots, downloads, outcomes, deployments and findings',
  description: 'For a screen. The document is computed at most once a second, for everybody that asks.',
  query: nowQuery,
  returns: nowSchema,
  statuses: { 200: 'This moment' },
  answer: async ({ now }, { query: { utcOffset = 0 } }) => ({ status: 200, body: await now.find(utcOffset) }),
})

export const follow = endpoint({
  operationId: 'followNow',
  action: 'boots.read',
  summary: 'Follow what happens at this moment, as server-sent events',
  description:
    'Each event `now` has the whole document of `GET /now` as data. An event comes at once, and then whenever the document changed, at most once a second. A comment comes every 15 s if nothing changed. The stream ends when the token is revoked.',
  query: nowQuery,
  returns: z.string().openapi({ example: 'event: now\ndata: {…}\n\n' }),
  returnsType: 'text/event-stream',
  statuses: { 200: 'The events, until the client disconnects' },
  answer: async ({ now, feed }, { query: { utcOffset = 0 } }, context) => {
    const gone = new AbortController()
    const { revoked, leave } = feed.watch(feedClientOf(context))
    const followed = now.follow(utcOffset, AbortSignal.any([gone.signal, revoked]))
    if (followed === undefined) {
      leave()
      return tooManyFollow('this moment')
    }
    return eventsOf(textsOf(followed), () => {
      gone.abort()
      leave()
    })
  },
})

async function* textsOf(followed: AsyncGenerator<string | undefined>) {
  for await (const json of followed) yield json === undefined ? ': none\n\n' : `event: now\ndata: ${json}\n\n`
}
