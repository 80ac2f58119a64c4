// /healthz: whether the server can do its work.
import { findHealth } from '../../inventory/system/health.ts'
import { endpoint } from '../http/endpoint.ts'
import { healthSchema } from '../schemas/system/health.ts'

export const get = endpoint({
  operationId: 'getHealth',
  action: 'open',
  summary: 'Check whether the server is fully operational',
  returns: healthSchema,
  statuses: {
    200: 'Operational, perhaps slow: the database server may have too few connections',
    503: 'The inventory cannot be read or changed. Do not restart the server: it recovers once the cause is resolved',
  },
  answer: async (deps) => {
    const { code, health } = await findHealth(deps)
    return { status: code, body: health }
  },
})
