// The form that arms deployments: its fields, and the order for the API.
import type { Deployment, DeploymentsArm } from '../../api/schemas/boots/deployment.ts'
import type { Query } from '../http/client.ts'
import type { Form } from '../http/form.ts'
import { formatParams, readLines, readNumber, readParams } from '../http/lines.ts'
import { filterNames } from '../machines/filter.ts'

/** The parameters that the form has fields for. */
const visible = new Set(['q', 'group', 'label', 'state'])
const lists = new Set(['label', 'fact'])
const flags = new Set(['discovered', 'denied'])

/** The fields of the order. `install` is the image: `image` filters machines by their assignment, as in their list. */
const orderNames = [
  ...['install', 'when', 'version', 'answerFile', 'params', 'args', 'withoutArgs', 'maxAttempts', 'windowHours'],
  ...['share', 'force', 'power'],
]

/** The machines that the fields choose; undefined if they choose none. */
export function readChoice(form: Form): Pick<DeploymentsArm, 'ids' | 'filter' | 'othersOf'> | undefined {
  const othersOf = form.get('othersOf')
  if (othersOf !== undefined) return { othersOf }
  const ids = form.all('ids').flatMap((text) => text.split(/[\s,]+/))
  if (ids.length > 0) return { ids }
  const given = filterNames.map((name) => [name, form.all(name)] as const).filter(([, values]) => values.length > 0)
  return given.length === 0 ? undefined : { filter: Object.fromEntries(given.map(filterValue)) }
}

function filterValue([name, values]: readonly [string, string[]]): [string, unknown] {
  // Labels are typed with spaces between them.
  if (lists.has(name)) return [name, name === 'label' ? values.flatMap((text) => text.split(/\s+/)) : values]
  return [name, flags.has(name) ? values[0] === 'true' : values[0]]
}

/** The order of the form, without its machines. @throws RefusedError for a field that the API could not read */
export function readOrder(form: Form): Omit<DeploymentsArm, 'ids' | 'filter' | 'selector' | 'othersOf'> {
  const hours = readNumber(form, 'windowHours')
  const [version, maxAttempts, share] = ['version', 'maxAttempts', 'share'].map((name) => readNumber(form, name))
  const [args, withoutArgs] = ['args', 'withoutArgs'].map((name) => readLines(form, name))
  const params = readParams(form, 'params')
  const [answerFile, power] = ['answerFile', 'power'].map((name) => form.get(name))
  return {
    image: form.get('install') ?? '',
    ...(form.get('when') === 'boot' && version === undefined && { follow: true }),
    ...(version !== undefined && { version }),
    ...(answerFile !== undefined && { answerFile }),
    ...(params && { params }),
    ...(args && { args }),
    ...(withoutArgs && { withoutArgs }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(hours !== undefined && { windowSeconds: Math.round(hours * 3600) }),
    ...(share !== undefined && share !== 100 && { share }),
    ...(form.get('force') === 'yes' && { force: true }),
    ...(power !== undefined && { power: power as 'cycle' }),
  }
}

/** The fields of the form with their values, as the query of its URL. */
function queryOf(form: Form): Query {
  const names = ['othersOf', 'ids', ...filterNames, ...orderNames]
  return Object.fromEntries(names.map((name) => [name, form.all(name)]))
}

/** The fields that the form carries without showing them: the ids, and filters from the list of machines. */
export function hiddenFields(form: Form): { name: string; value: string }[] {
  if (form.has('othersOf')) return [{ name: 'othersOf', value: form.get('othersOf') ?? '' }]
  const names = ['ids', ...filterNames.filter((name) => !visible.has(name))]
  return names.flatMap((name) => form.all(name).map((value) => ({ name, value })))
}

/** Every field of the form, for the step that confirms it. */
export function allFields(form: Form): { name: string; value: string }[] {
  return Object.entries(queryOf(form)).flatMap(([name, values]) =>
    [values ?? []].flat().map((value) => ({ name, value })),
  )
}

/** The form for the machines that the share of a batch left out, with the order of one of its deployments. */
export function othersQuery(batch: string, order: Deployment): Query {
  const { image, version, answerFile, params, args, withoutArgs, maxAttempts, windowSeconds } = order
  return {
    othersOf: batch,
    install: image,
    ...(version === undefined ? { when: 'boot' } : { version: String(version) }),
    answerFile,
    params: formatParams(params),
    args: args?.join('\n'),
    withoutArgs: withoutArgs?.join('\n'),
    maxAttempts: String(maxAttempts),
    windowHours: String(windowSeconds / 3600),
    preview: 'yes',
  }
}
