// /policy: what machines without an assignment boot.
import { findPolicy, savePolicy } from '../../inventory/machines/policy.ts'
import { endpoint } from '../http/endpoint.ts'
import { policySchema } from '../schemas/machines/policy.ts'

export const get = endpoint({
  operationId: 'getPolicy',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get the policy for machines without an assignment',
  returns: policySchema,
  statuses: { 200: 'The policy' },
  answer: async ({ db }) => ({ status: 200, body: await findPolicy(db) }),
})

export const put = endpoint({
  operationId: 'putPolicy',
  action: 'policy.edit',
  summary: 'Set the policy for machines without an assignment',
  body: policySchema,
  returns: policySchema,
  statuses: { 200: 'Policy changed' },
  answer: async ({ db }, { body, by }) => {
    await savePolicy(db, body, by)
    return { status: 200, body }
  },
})
