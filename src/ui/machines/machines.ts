// /machines: the list of machines, searched and filtered.
import type { Strip, StripList } from '../../api/schemas/boots/strips.ts'
import type { Machine, MachineList } from '../../api/schemas/machines/machine.ts'
import { machineStates } from '../../model/machine.ts'
import { stripOf } from '../boots/strip.ts'
import { type ApiClient, RefusedError, withQuery } from '../http/client.ts'
import { refusedFilter } from '../http/listed.ts'
import type { PageHandler } from '../http/visit.ts'
import { chipsOf, filterOptions, filterText, listUrl, type MachineFilter, readFilter } from './filter.ts'
import { namesOf } from './names.ts'
import { assignedOf, firmwareOf, nameOf, stateOf } from './state.ts'

const pageSize = '50'

export const list: PageHandler = async ({ api, query }) => {
  const filter = readFilter(query)
  const [sort, after] = [query.get('sort'), query.get('after')]
  const path = withQuery('/machines', { limit: pageSize, ...filter, sort, after })
  const [found, images, groups] = await Promise.all([
    api.ask<MachineList>('GET', path).catch(refusedFilter),
    namesOf(api, '/images'),
    namesOf(api, '/groups'),
  ])
  const refusal = found instanceof RefusedError ? found : undefined
  const { items, next } = found instanceof RefusedError ? { items: [], next: undefined } : found
  const options = filterOptions(filter)
  return {
    view: 'machines/list',
    title: 'Machines',
    status: refusal === undefined ? 200 : 422,
    data: {
      ...{ filter, sort, images, groups, refusal },
      rows: await rowsOf(api, items),
      states: Object.entries(machineStates),
      chips: chipsOf(filter, sort),
      filterText: filterText(filter),
      isFirst: after === undefined,
      next: next && listUrl(filter, { sort, after: next }),
      sorts: { name: sortLink(filter, sort, 'hostname'), seen: sortLink(filter, sort, '-lastSeen') },
      csv: withQuery('/api/v1/machines/export', { format: 'csv', ...filter }),
    },
    commands: [
      { title: 'List these machines', path, ...(options !== undefined && { cli: `machine list ${options}`.trim() }) },
      {
        title: 'Download the entered machines as CSV',
        path: withQuery('/machines/export', { format: 'csv', ...filter }),
        ...(filterText(filter) === '' && { cli: 'machine export --csv' }),
      },
    ],
  }
}

/** The rows of machines in a table, with their states and strips. */
export async function rowsOf(api: ApiClient, machines: Machine[]) {
  const strips = await findStrips(api, machines)
  return machines.map((machine) => {
    const strip = strips.get(machine.id)
    const { id, name, macs, labels, facts } = machine
    return {
      ...{ id, labels },
      name: nameOf(machine),
      mac: macs[0] === name ? undefined : macs[0],
      furtherMacs: Math.max(0, macs.length - 1),
      state: stateOf(machine, strip),
      assigned: assignedOf(machine),
      strip: stripOf(strip?.boots ?? []),
      firmware: firmwareOf(facts),
      product: machine.product ?? facts.product,
      lastSeenAt: machine.lastSeenAt,
    }
  })
}

async function findStrips(api: ApiClient, machines: Machine[]): Promise<Map<string, Strip>> {
  if (machines.length === 0) return new Map()
  const ids = machines.map(({ id }) => id).join(',')
  const { items } = await api.ask<StripList>('GET', withQuery('/machines/strips', { ids }))
  return new Map(items.map((strip) => [strip.machineId, strip]))
}

/** A column's heading as a link: sorts by it, or ends that. */
function sortLink(filter: MachineFilter, sort: string | undefined, by: string) {
  const isOn = sort === by
  return { isOn, url: listUrl(filter, { sort: isOn ? undefined : by }) }
}
