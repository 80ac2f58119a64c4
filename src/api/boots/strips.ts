// /machines/strips: the last boots and the active deployments of several machines.
import { findRunningDeployments, findStrips } from '../../inventory/boots/now/strips.ts'
import type { BootSummary } from '../../model/boot.ts'
import { endpoint } from '../http/endpoint.ts'
import { stripList, stripsQuery } from '../schemas/boots/strips.ts'
import { summaryOf } from './boots.ts'

export const list = endpoint({
  operationId: 'listStrips',
  action: 'boots.read',
  summary: 'List the last ten boots and the active deployment of each of several machines',
  description: 'For a strip of little bars beside each machine of a list, with one request for the whole list.',
  query: stripsQuery,
  returns: stripList,
  statuses: { 200: 'One strip for each id, in the order of the ids' },
  answer: async ({ db }, { query: { ids } }) => {
    const [strips, running] = await Promise.all([findStrips(db, ids), findRunningDeployments(db, ids)])
    const items = ids.map((machineId) => {
      const deployment = running.get(machineId)
      return { machineId, boots: (strips.get(machineId) ?? []).map(barOf), ...(deployment && { deployment }) }
    })
    return { status: 200, body: { items } }
  },
})

function barOf(boot: BootSummary) {
  const { id, outcome, stage, image, version, startedAt, message, failure } = summaryOf(boot)
  const endedAt = boot.outcome === 'stalled' ? boot.movedAt : boot.endedAt
  return {
    ...{ id, outcome, stage, image, version, startedAt, message, failure },
    ...(endedAt !== null && { durationMs: Math.max(0, endedAt.getTime() - startedAt.getTime()) }),
  }
}
