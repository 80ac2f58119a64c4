// /machines/discovered: machines that were seen on the network, and wait to be entered.
import type { MachinesActed } from '../../api/schemas/machines/action.ts'
import type { MachineList } from '../../api/schemas/machines/machine.ts'
import { RefusedError, withQuery } from '../http/client.ts'
import { count } from '../http/format.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'
import { firmwareOf, handleOf } from './state.ts'

const pageSize = '50'
const namePrefix = 'hostname:'

export const discovered: PageHandler = (visit) => show(visit)

/** Enters machines with their host names: the one whose button was pressed, or those that are selected. */
export const enter: PageHandler = async (visit) => {
  const { api, form } = visit
  const single = form.get('enter')
  const ids = single === undefined ? form.all('ids') : [single]
  if (ids.length === 0)
    return { redirect: '/machines/discovered', notice: 'Nothing was selected. Select machines first.' }
  const named = ids.map((id) => [id, form.get(`${namePrefix}${id}`)] as const)
  const hostnames = Object.fromEntries(named.filter(([, hostname]) => hostname !== undefined))
  try {
    const body = { ids, action: { enter: { hostnames } } }
    const { changed, refused } = await api.ask<MachinesActed>('POST', '/machines/actions', body)
    if (refused.length > 0) return show(visit, refusalOf(refused))
    if (single === undefined || changed === 0)
      return { redirect: '/machines/discovered', notice: `${count(changed, 'machine')} entered.` }
    return { redirect: `/machines/${single}`, notice: 'Entered.' }
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 422) throw error
    return show(visit, error)
  }
}

function refusalOf(refused: MachinesActed['refused']): RefusedError {
  const sentences = refused.map(({ why, machines }) => `${machines.join(', ')}: ${why}`)
  return new RefusedError(sentences.join('. '), 422, undefined, [])
}

async function show({ api, query, form }: Visit, refusal?: RefusedError): Promise<Page> {
  const after = query.get('after')
  const path = withQuery('/machines', { state: 'discovered', sort: '-lastSeen', limit: pageSize, after })
  const { items, next } = await api.ask<MachineList>('GET', path)
  return {
    view: 'machines/discovered',
    title: 'Discovered machines',
    status: refusal === undefined ? 200 : 422,
    data: {
      refusal,
      rows: items.map((machine) => ({
        ...machine,
        name: handleOf(machine),
        firmware: firmwareOf(machine.facts),
        // A host name that the machine reported is a good proposal.
        hostname: form.get(`${namePrefix}${machine.id}`) ?? machine.facts.hostname ?? '',
      })),
      next: next && withQuery('/machines/discovered', { after: next }),
    },
    commands: [
      { title: 'List discovered machines', path, cli: 'machine list --discovered' },
      {
        ...{ title: 'Enter one with a host name', method: 'POST', path: '/machines/actions' },
        body: { ids: [items[0]?.id ?? 'ID'], action: { enter: { hostnames: { [items[0]?.id ?? 'ID']: 'web1' } } } },
        cli: `machine set ${items[0]?.macs[0] ?? 'MAC'} --hostname web1`,
      },
      {
        ...{ title: 'Delete machines that were not seen since a day', method: 'DELETE' },
        path: '/machines/discovered?notSeenSince=2026-01-31T00:00:00Z',
        cli: 'machine forget-discovered --not-seen-for 30',
      },
    ],
  }
}
