// /deployments: the batches and the deployments, newest first, and one deployment.
import type { Deployment, DeploymentBatch } from '../../api/schemas/boots/deployment.ts'
import type { Machine } from '../../api/schemas/machines/machine.ts'
import { isActive } from '../../model/deployment.ts'
import { withQuery } from '../http/client.ts'
import { shellQuote } from '../http/commands.ts'
import { formatParams } from '../http/lines.ts'
import type { Listed } from '../http/listed.ts'
import type { PageHandler } from '../http/visit.ts'
import { nameOf } from '../machines/state.ts'
import { batchView, rowOf } from './deployment-words.ts'

const stateChoices = ['active', 'armed', 'started', 'installing', 'installed', 'failed', 'cancelled']

export const list: PageHandler = async ({ api, query }) => {
  const filter = { machine: query.get('machine'), image: query.get('image'), state: query.get('state') }
  const before = query.get('before')
  const path = withQuery('/deployments', { limit: '50', ...filter, before })
  const isFiltered = Object.values(filter).some((value) => value !== undefined)
  const [{ items, next }, batches] = await Promise.all([
    api.ask<Listed<Deployment>>('GET', path),
    isFiltered || before !== undefined
      ? { items: [] }
      : api.ask<Listed<DeploymentBatch>>('GET', '/deployments/batches?limit=8'),
  ])
  return {
    view: 'deployments/list',
    title: 'Deployments',
    data: {
      ...{ filter, isFiltered, stateChoices, isFirst: before === undefined },
      rows: items.map(rowOf),
      batches: batches.items.map(batchView),
      moreBatches: 'next' in batches,
      next: next && withQuery('/deployments', { ...filter, before: next }),
    },
    commands: [
      {
        title: 'List these deployments',
        path,
        cli: [
          'deployment list',
          ...Object.entries(filter)
            .filter(([name]) => name !== 'image')
            .flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${shellQuote(value)}`])),
        ].join(' '),
      },
    ],
  }
}

export const get: PageHandler = async ({ api, params, may }) => {
  const path = `/deployments/${encodeURIComponent(params.id ?? '')}`
  const deployment = await api.ask<Deployment>('GET', path)
  const machine = await api.find<Machine>(`/machines/${deployment.machineId}`)
  const name = machine === undefined ? deployment.machineId : nameOf(machine)
  return {
    view: 'deployments/one',
    title: `${deployment.image} on ${name}`,
    data: { row: rowOf(deployment), machine: name, params: formatParams(deployment.params) },
    commands: [
      { title: 'Get this deployment', path, cli: `deployment show ${deployment.id}` },
      ...(may('deployments.edit') && isActive(deployment.state)
        ? [{ title: 'Cancel it', ...cancelling(path), cli: `deployment cancel ${deployment.id}` }]
        : []),
    ],
  }
}

function cancelling(path: string) {
  return { method: 'POST' as const, path: `${path}/cancel` }
}

export const cancel: PageHandler = async ({ api, params }) => {
  const path = `/deployments/${encodeURIComponent(params.id ?? '')}`
  await api.ask<Deployment>('POST', `${path}/cancel`)
  return { redirect: path, notice: 'The deployment is cancelled. The machine returns to its own assignment.' }
}
