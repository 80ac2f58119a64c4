// The filter of the list of machines: in the URL of the page, for the API, and as options of the command line.
import type { MachinesAct } from '../../api/schemas/machines/action.ts'
import { type Query, withQuery } from '../http/client.ts'
import { shellQuote } from '../http/commands.ts'
import type { Form } from '../http/form.ts'

/** The parameters of GET /machines that select machines. */
export const filterNames = [
  ...['q', 'state', 'image', 'menu', 'group', 'platform', 'arch', 'label', 'fact', 'discovered', 'denied'],
  ...['hostname', 'serial', 'product', 'asset', 'uuid', 'owner', 'externalId', 'seenSince', 'notSeenSince'],
]
/** Parameters with a field in the form of the list. */
const fields = new Set(['q', 'state', 'image', 'group', 'platform', 'owner', 'externalId'])

/** The values of each parameter. */
export type MachineFilter = Record<string, string[]>

/** The filter in a query; parameters that do not select machines are left out. */
export function readFilter(query: Pick<Form, 'all'>): MachineFilter {
  return Object.fromEntries(filterNames.map((name) => [name, query.all(name)]).filter(([, values]) => values?.length))
}

/** The filter as the query of a URL, without `?`. Empty if nothing is filtered. */
export function filterText(filter: MachineFilter): string {
  return withQuery('', filter).slice(1)
}

/** A filter that the form of the list has no field for: with the URL that removes it. */
export type Chip = { name: string; value: string; words: string; without: string }

export function chipsOf(filter: MachineFilter, sort: string | undefined): Chip[] {
  return Object.entries(filter).flatMap(([name, values]) =>
    fields.has(name)
      ? []
      : values.map((value) => ({
          name,
          value,
          words: `${name} ${value}`,
          without: listUrl({ ...filter, [name]: values.filter((other) => other !== value) }, { sort }),
        })),
  )
}

/** The URL of the list. */
export function listUrl(filter: MachineFilter, more: Query = {}): string {
  return withQuery('/machines', { ...filter, ...more })
}

/** The filter in the format of POST /machines/actions. */
export function filterBody(filter: MachineFilter): NonNullable<MachinesAct['filter']> {
  const flags = new Set(['discovered', 'denied'])
  const lists = new Set(['label', 'fact'])
  return Object.fromEntries(
    Object.entries(filter).map(([name, values]) => {
      const [value = ''] = values
      return [name, lists.has(name) ? values : flags.has(name) ? value === 'true' : value]
    }),
  )
}

/** `--match web --label rack=b4`; undefined if the command line has no option for one of the parameters. */
export function filterOptions(filter: MachineFilter): string | undefined {
  const parts = Object.entries(filter).flatMap(([name, values]) => {
    if (name === 'discovered' || name === 'denied') return values[0] === 'true' ? [`--${name}`] : [undefined]
    const option = renamed[name] ?? (optionNames.has(name) ? name : undefined)
    return values.map((value) => option && `--${option} ${shellQuote(value)}`)
  })
  return parts.includes(undefined) ? undefined : parts.join(' ')
}
const optionNames = new Set(['state', 'image', 'menu', 'group', 'platform', 'arch', 'label', 'fact', 'owner'])
const renamed: Record<string, string> = { q: 'match', externalId: 'external-id' }
