import { z } from '@hono/zod-openapi'
import { findPolicy, savePolicy } from '../../inventory/machines/policy.ts'
import { endpoint } from '../http/endpoint.ts'
import { imageName } from '../schemas/common.ts'
import { everyBoot, thingName } from '../schemas/machines/assignment.ts'

const policySchema = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({ kind: z.literal('local') }).openapi('PolicyLocal', { description: 'Its own disk.' }),
      z
        .strictObject({ kind: z.literal('wait') })
        .openapi('PolicyWait', { description: 'It asks again until it is assigned something.' }),
      z.strictObject({ kind: z.literal('menu'), menu: thingName }).openapi('PolicyMenu', { description: 'This menu.' }),
      z
        .strictObject({ kind: z.literal('image'), image: imageName, everyBoot: everyBoot.optional() })
        .openapi('PolicyImage', { description: 'This image.' }),
    ],
    { error: (issue) => (issue.code === 'invalid_union' ? 'local, wait, menu or image' : undefined) },
  )
  .openapi('Policy', { description: 'What a machine boots that nothing else speaks for.' })

export const get = endpoint({
  operationId: 'getPolicy',
  summary: 'What machines boot that have no assignment',
  returns: policySchema,
  statuses: { 200: 'The policy' },
  answer: async ({ db }) => ({ status: 200, body: await findPolicy(db) }),
})

export const put = endpoint({
  operationId: 'putPolicy',
  summary: 'Set what machines boot that have no assignment',
  body: policySchema,
  returns: policySchema,
  statuses: { 200: 'The policy, changed' },
  answer: async ({ db }, { body, by }) => {
    await savePolicy(db, body, by)
    return { status: 200, body }
  },
})
