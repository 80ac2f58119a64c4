// /healthz and /readyz: whether the process serves, and whether it can do its work.
import { findHealth } from '../../inventory/system/health.ts'
import { findReadiness } from '../../inventory/system/readiness.ts'
import { endpoint } from '../http/endpoint.ts'
import { healthSchema, readinessSchema } from '../schemas/system/health.ts'

export const get = endpoint({
  operationId: 'getHealth',
  action: 'open',
  summary: 'Check that the server runs, and show whether the database answers',
  returns: healthSchema,
  statuses: { 200: 'The process serves. The body shows the state of the database' },
  answer: async (deps) => ({ status: 200, body: await findHealth(deps) }),
})

export const ready = endpoint({
  operationId: 'getReadiness',
  action: 'open',
  summary: 'Check whether the server can decide what machines boot, and list what is degraded',
  returns: readinessSchema,
  statuses: {
    200: 'Machines boot. `degraded` lists the limits',
    503: 'Machines cannot boot. Do not restart the server: it recovers once the cause is resolved',
  },
  answer: async (deps) => {
    const { code, readiness } = await findReadiness(deps)
    return { status: code, body: readiness }
  },
})
