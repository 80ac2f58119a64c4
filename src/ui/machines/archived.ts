// /machines/archived: machines that were taken out of use. Archives, restores and deletes them.
import type { FindingList } from '../../api/schemas/machines/finding.ts'
import type { Machine } from '../../api/schemas/machines/machine.ts'
import type { Archived } from '../../api/schemas/machines/sync.ts'
import { pathOf, RefusedError, withQuery } from '../http/client.ts'
import { type Listed, refusedFilter } from '../http/listed.ts'
import { type Page, type PageHandler, submit, type Visit } from '../http/visit.ts'

const pageSize = '50'

export const archived: PageHandler = async ({ api, query }) => {
  const [q, after] = [query.get('q'), query.get('after')]
  const path = withQuery('/machines/archived', { limit: pageSize, q, after })
  const [found, findings] = await Promise.all([
    api.ask<Listed<Archived>>('GET', path).catch(refusedFilter),
    api.ask<FindingList>('GET', '/findings'),
  ])
  const refusal = found instanceof RefusedError ? found : undefined
  const { items, next } = found instanceof RefusedError ? { items: [], next: undefined } : found
  return {
    view: 'machines/archived',
    title: 'Archived machines',
    status: refusal === undefined ? 200 : 422,
    data: {
      ...{ q, refusal, rows: items },
      findings: findings.items.filter(({ code }) => code === 'BW-ARCHIVED-BOOTS'),
      next: next && withQuery('/machines/archived', { q, after: next }),
    },
    commands: [
      { title: 'List archived machines', path, cli: 'machine list --archived' },
      {
        ...{ title: 'Restore one', method: 'POST', path: `/machines/archived/${items[0]?.id ?? 'ID'}/restore` },
        cli: `machine restore ${items[0]?.id ?? 'ID'}`,
      },
    ],
  }
}

/** The page of an archived machine, at the URL that the machine had; undefined if no archived machine has this id. */
export async function archivedMachine({ api, params }: Visit, refusal?: RefusedError): Promise<Page | undefined> {
  const { id = '' } = params
  if (!/^[0-9a-f-]{36}$/.test(id)) return undefined
  const path = `/machines/archived${pathOf(id)}`
  const machine = await api.find<Archived>(path)
  if (machine === undefined) return undefined
  return {
    view: 'machines/archived-one',
    title: machine.name,
    data: { machine, refusal },
    commands: [
      { title: 'Show the archived machine', path },
      { title: 'Restore it', method: 'POST', path: `${path}/restore`, cli: `machine restore ${id}` },
    ],
  }
}

export const archive: PageHandler = async ({ api, params }) => {
  const path = pathOf('machines', params.id ?? '')
  const { name = params.id } = await api.ask<Machine>('GET', path)
  await api.ask('POST', `${path}/archive`)
  return {
    redirect: '/machines/archived',
    notice: `Machine ${name} is archived. If it boots, it is an unknown machine.`,
  }
}

export const restore: PageHandler = (visit) => {
  const { api, params } = visit
  return submit(
    async () => {
      const { id } = await api.ask<Machine>('POST', `/machines/archived${pathOf(params.id ?? '')}/restore`)
      const notice = 'Restored. The next boot of the machine uses its values again, and no synchronization archives it.'
      return { redirect: `/machines/${id}`, notice }
    },
    async (refusal) => {
      const page = await archivedMachine(visit, refusal)
      if (page === undefined) throw refusal
      return page
    },
  )
}

export const remove: PageHandler = async ({ api, params }) => {
  await api.ask('DELETE', `/machines/archived${pathOf(params.id ?? '')}`)
  return { redirect: '/machines/archived', notice: 'The archived machine is deleted.' }
}
