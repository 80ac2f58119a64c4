// /deployments/batches: watch deployments that were armed together, stop them, retry the failed, continue with the others.
import type {
  Deployment,
  DeploymentBatch,
  DeploymentsArmed,
  DeploymentsCancelled,
} from '../../api/schemas/boots/deployment.ts'
import { type RefusedError, withQuery } from '../http/client.ts'
import type { Command } from '../http/commands.ts'
import { count } from '../http/format.ts'
import { readNumber } from '../http/lines.ts'
import type { Listed } from '../http/listed.ts'
import { type Page, type PageHandler, submit, type Visit } from '../http/visit.ts'
import { othersQuery } from './deploy-form.ts'
import { batchView, rowOf } from './deployment-words.ts'
import { planOf } from './plan.ts'

const states = ['active', 'failed', 'installed', 'cancelled'] as const

export const list: PageHandler = async ({ api, query }) => {
  const path = withQuery('/deployments/batches', { limit: '50', before: query.get('before') })
  const { items, next } = await api.ask<Listed<DeploymentBatch>>('GET', path)
  return {
    view: 'deployments/batches',
    title: 'Batches of deployments',
    data: { batches: items.map(batchView), next: next && withQuery('/deployments/batches', { before: next }) },
    commands: [{ title: 'List batches', path, cli: 'deployment batches' }],
  }
}

export const get: PageHandler = async ({ api, params, query, url, may }) => {
  const { batch = '' } = params
  const found = batchView(await api.ask<DeploymentBatch>('GET', path(batch)))
  const state = states.find((name) => name === query.get('state'))
  const before = query.get('before')
  const { items, next } = await findRows(api, batch, state, before)
  const others = found.others === undefined ? undefined : await findOthersLink(api, batch)
  const linkTo = (more: Record<string, string | undefined>) => withQuery(`/deployments/batches/${batch}`, more)
  return {
    view: 'deployments/batch',
    title: `${found.image} on ${count(found.machines, 'machine')}`,
    data: {
      batch: found,
      rows: items.map(rowOf),
      ...{ state, others, url, isFirst: before === undefined },
      links: [undefined, ...states].map((name) => ({ name: name ?? 'all', state: name, url: linkTo({ state: name }) })),
      next: next && linkTo({ state, before: next }),
    },
    commands: [...commandsOf(batch), ...othersCommand(found)].slice(0, may('deployments.edit') ? 4 : 1),
  }
}

/** A page of machines. Without a state, those that need a person come first: failed, then active, then the others. */
async function findRows(api: Visit['api'], batch: string, state: string | undefined, before: string | undefined) {
  const rows = (of: string | undefined, limit: number) =>
    api.ask<Listed<Deployment>>(
      'GET',
      withQuery('/deployments', { batch, newest: 'true', state: of, limit: String(limit), before }),
    )
  if (state !== undefined || before !== undefined) return rows(state, 100)
  const pages = await Promise.all(states.map((name) => rows(name, 50)))
  const [active, failed, installed, cancelled] = pages.map(({ items }) => items)
  const items = [failed, active, installed, cancelled].flatMap((some) => some ?? [])
  return { items, next: undefined }
}

/** The form that continues with the machines that the share left out. */
async function findOthersLink(api: Visit['api'], batch: string): Promise<string | undefined> {
  const { items } = await api.ask<Listed<Deployment>>('GET', withQuery('/deployments', { batch, limit: '1' }))
  return items[0] && withQuery('/new/deployment', othersQuery(batch, items[0]))
}

export const retryPage: PageHandler = (visit) => showRetry(visit)

export const retry: PageHandler = (visit) =>
  submit(
    async () => {
      const { batch = '' } = visit.params
      const body = { expect: readNumber(visit.form, 'expect') ?? 0, ...forceOf(visit) }
      const { armed } = await visit.api.ask<DeploymentsArmed>('POST', `${path(batch)}/retry`, body)
      return { redirect: backTo(visit), notice: `Armed ${count(armed.length, 'machine')} again.` }
    },
    (refusal) => showRetry(visit, refusal),
  )

async function showRetry(visit: Visit, refusal?: RefusedError): Promise<Page> {
  const { api, params } = visit
  const { batch = '' } = params
  const found = await api.ask<DeploymentBatch>('GET', path(batch))
  const body = { dryRun: true, ...forceOf(visit) }
  const plan = planOf(await api.ask<DeploymentsArmed>('POST', `${path(batch)}/retry`, body))
  return {
    view: 'deployments/retry',
    title: `Retry ${found.image}`,
    data: { batch: batchView(found), plan, refusal, force: 'force' in body },
    commands: commandsOf(batch).slice(1, 2),
  }
}

export const stopPage: PageHandler = async (visit) => {
  const { api, params } = visit
  const { batch = '' } = params
  const found = await api.ask<DeploymentBatch>('GET', path(batch))
  const body = { batch, dryRun: true }
  const { cancelled } = await api.ask<DeploymentsCancelled>('POST', '/deployments/cancel', body)
  return {
    view: 'deployments/stop',
    title: `Stop ${found.image}`,
    data: {
      batch: batchView(found),
      count: cancelled.length,
      machines: cancelled.slice(0, 60).map(({ machineId, machine }) => ({ id: machineId, name: machine })),
    },
    commands: commandsOf(batch).slice(2),
  }
}

export const stop: PageHandler = async (visit) => {
  const { batch = '' } = visit.params
  const { cancelled } = await visit.api.ask<DeploymentsCancelled>('POST', '/deployments/cancel', { batch })
  return { redirect: backTo(visit), notice: `Cancelled ${count(cancelled.length, 'deployment')}.` }
}

function forceOf({ query, form }: Visit): { force?: true } {
  return query.get('force') === 'yes' || form.get('force') === 'yes' ? { force: true } : {}
}

function backTo({ params }: Visit): string {
  return `/deployments/batches/${params.batch}`
}

function path(batch: string): string {
  return `/deployments/batches/${encodeURIComponent(batch)}`
}

function othersCommand({ batch, image, others }: DeploymentBatch): Command[] {
  if (others === undefined) return []
  return [
    {
      title: 'Preview the machines that the share left out; without dryRun, arm them',
      ...{ method: 'POST', path: '/deployments/bulk', body: { othersOf: batch, image, dryRun: true } },
      cli: `deployment arm --others-of ${batch} --image ${image} --dry-run`,
    },
  ]
}

function commandsOf(batch: string): Command[] {
  return [
    {
      title: 'List the machines of this batch',
      path: withQuery('/deployments', { batch, newest: 'true' }),
      cli: `deployment list --batch ${batch}`,
    },
    {
      title: 'Arm the failed machines again',
      ...{ method: 'POST', path: `${path(batch)}/retry`, body: {} },
      cli: `deployment retry ${batch}`,
    },
    {
      title: 'Cancel the active deployments',
      ...{ method: 'POST', path: '/deployments/cancel', body: { batch } },
      cli: `deployment cancel --batch ${batch}`,
    },
  ]
}
