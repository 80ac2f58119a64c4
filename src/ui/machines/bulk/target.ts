// The machines of an action: some that were selected, or all that match a filter.
import type { MachinesAct } from '../../../api/schemas/machines/action.ts'
import { type Form, readForm } from '../../http/form.ts'
import { count } from '../../http/format.ts'
import { filterBody, filterText, listUrl, type MachineFilter, readFilter } from '../filter.ts'

export type Target = {
  /** In the format of POST /machines/actions. */
  body: Pick<MachinesAct, 'ids' | 'filter'>
  /** The filter; undefined for selected machines. */
  filter: MachineFilter | undefined
  /** `3 selected machines`, `all machines that match q=web`. */
  words: string
  /** The fields that name the machines in the next form. */
  hidden: [name: string, value: string][]
  /** The list that the machines were selected in. */
  list: string
}

/** The machines that a form names; undefined for none. */
export function readTarget(form: Form): Target | undefined {
  const filter = readFilter(readForm(new URLSearchParams(form.get('filter'))))
  const text = filterText(filter)
  const list = listUrl(filter)
  if (form.has('all')) {
    const words =
      text === '' ? 'all machines' : `all machines that match ${decodeURIComponent(text.replaceAll('+', ' '))}`
    const hidden: Target['hidden'] = [
      ['all', 'yes'],
      ['filter', text],
    ]
    return { body: { filter: filterBody(filter) }, filter, words, list, hidden }
  }
  const ids = form.all('ids')
  if (ids.length === 0) return undefined
  const hidden = ids.map((id): [string, string] => ['ids', id])
  return {
    body: { ids },
    filter: undefined,
    words: count(ids.length, 'selected machine'),
    list,
    hidden: [...hidden, ['filter', text]],
  }
}
