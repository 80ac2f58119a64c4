// /policy: what machines without an assignment boot.
import { etagOfPolicy, findPolicy, savePolicy } from '../../inventory/machines/policy.ts'
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
  answer: async ({ db }) => {
    const policy = await findPolicy(db)
    return { status: 200, body: policy, headers: { etag: etagOfPolicy(policy) } }
  },
})

export const put = endpoint({
  operationId: 'putPolicy',
  action: 'policy.edit',
  summary: 'Set the policy for machines without an assignment',
  query: changeQuery,
  body: policySchema,
  conditional: true,
  returns: policyPut,
  statuses: { 200: 'Policy changed' },
  answer: async ({ db }, { query, body, precondition, by }) => {
    const { concerns } = await counted(db, query, (on) => savePolicy(on, body, by, precondition))
    return { status: 200, body: { ...body, ...(concerns && { concerns }) }, headers: { etag: etagOfPolicy(body) } }
  },
})
