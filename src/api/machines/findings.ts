// /findings: problems that an operator should resolve.
import { listFindings } from '../../inventory/machines/identity/findings.ts'
import { endpoint } from '../http/endpoint.ts'
import { findingList } from '../schemas/machines/finding.ts'

export const list = endpoint({
  operationId: 'listFindings',
  action: 'inventory.read',
  summary:
    'List problems to resolve: uncertain identities, unexpected machines, machines that install at every boot, stopped rollouts, and power that failed',
  returns: findingList,
  statuses: { 200: 'The findings, at most 200 of each kind' },
  answer: async ({ db }) => ({ status: 200, body: { items: await listFindings(db) } }),
})
