// /machines: the list of machines, searched and filtered.
import type { MachineList } from '../../api/schemas/machines/machine.ts'
import { withQuery } from '../http/client.ts'
import type { PageHandler } from '../http/visit.ts'

export const list: PageHandler = async ({ api, query }) => {
  const filter = { q: query.get('q'), after: query.get('after') }
  const path = withQuery('/machines', { limit: '50', ...filter })
  const { items, next } = await api.ask<MachineList>('GET', path)
  return {
    view: 'machines/list',
    title: 'Machines',
    data: { items, filter, next: next && withQuery('/machines', { ...filter, after: next }) },
    commands: [{ title: 'List these machines', path, cli: 'machine list' }],
  }
}
