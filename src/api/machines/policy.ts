// /policy: what machines without an assignment boot.
import { findPolicy, savePolicy } from '../../inventory/machines/policy.ts'
import { counted } from '../changes/counted.ts'
import { endpoint } from '../http/endpoint.ts'
import { changeQuery } from '../schemas/machines/concerns.ts'
import { policyPut, policySchema } from '../schemas/machines/policy.ts'

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
  query: changeQuery,
  body: policySchema,
  returns: policyPut,
  statuses: { 200: 'Policy changed' },
  answer: async ({ db }, { query, body, by }) => {
    const { concerns } = await counted(db, query, (on) => savePolicy(on, body, by))
    return { status: 200, body: { ...body, ...(concerns && { concerns }) } }
  },
})
