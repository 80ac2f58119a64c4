// The form that starts a rollout: its fields, and the order for the API.
import type { RolloutStart } from '../../../api/schemas/boots/rollout.ts'
import {
  defaultPatienceSeconds,
  defaultShares,
  defaultUntilPercent,
  type FailureBound,
  rolloutActions,
} from '../../../model/rollout/rollout.ts'
import type { Condition } from '../../../model/selector.ts'
import { readRows, rowOf, selectorOf } from '../../forms/selector.ts'
import { shellQuote } from '../../http/commands.ts'
import type { Form } from '../../http/form.ts'
import { readNumber, refusal } from '../../http/lines.ts'
import { filterBody, readFilter } from '../../machines/filter.ts'
import { readOrder } from '../deploy-form.ts'

/** Fields that choose machines. Without ids and filters, the rows of conditions choose. */
type Choice = Pick<RolloutStart, 'ids' | 'filter' | 'selector'>

/** The machines that the form chooses. @throws RefusedError if it chooses none */
function requireChoice(form: Form): Choice {
  const ids = readIds(form)
  if (ids.length > 0) return { ids }
  const filter = readFilter(form)
  if (Object.keys(filter).length > 0) return { filter: filterBody(filter) }
  const selector = selectorOf(readRows(form))
  if (selector.length > 0) return { selector }
  throw refusal({ field: 'machines', value: 'nothing', expected: 'at least one condition' })
}

/** Ids from the list of machines. */
export function readIds(form: Form): string[] {
  return form.all('ids').flatMap((text) => text.split(/[\s,]+/))
}

/** The order of the form. @throws RefusedError for a field that the API could not read */
export function readRollout(form: Form): RolloutStart {
  const { share: _, follow: __, power: ___, force, maxAttempts, windowSeconds, ...order } = readOrder(form)
  const action = rolloutActions.find((name) => name === form.get('action'))
  if (action === undefined)
    throw refusal({ field: 'each machine', value: 'nothing', expected: 'one of the two choices' })
  const patience = readNumber(form, 'patienceHours')
  const [from, to, zone] = ['from', 'to', 'zone'].map((name) => form.get(name))
  return {
    ...{ action, ...requireChoice(form), ...order },
    ...(action === 'assign' && form.get('everyBoot') === 'yes' && { everyBoot: true }),
    ...(action === 'deploy' && { force, maxAttempts, windowSeconds }),
    shares: readShares(form.get('shares')),
    ...(form.get('gate') === 'person'
      ? { approve: true }
      : { until: readNumber(form, 'until') ?? defaultUntilPercent }),
    maxFailed: readBound(form.get('maxFailed')),
    ...(patience !== undefined && { patienceSeconds: Math.round(patience * 3600) }),
    // A time without the other one, or without a zone, is the API's to refuse.
    ...((from !== undefined || to !== undefined) && { between: { from: from ?? '', to: to ?? '', zone: zone ?? '' } }),
  }
}

/** `5, 25, 100`, also with signs of percent. @throws RefusedError */
function readShares(text: string | undefined): number[] | undefined {
  const parts = text?.split(/[\s,%]+/).filter((part) => part !== '')
  const shares = parts?.map(Number)
  if (text === undefined || shares?.every((share) => Number.isInteger(share))) return shares
  throw refusal({ field: 'waves', value: text, expected: 'percentages that rise, such as 5, 25, 100' })
}

/** `5 %` of the machines, or `3` machines. @throws RefusedError */
function readBound(text: string | undefined): FailureBound | undefined {
  if (text === undefined) return undefined
  const [, digits, sign] = /^(\d{1,6})\s*(%?)$/.exec(text) ?? []
  if (digits === undefined)
    throw refusal({ field: 'failures', value: text, expected: 'a percentage or a number, such as 5 % or 3' })
  return sign === '%' ? { percent: Number(digits) } : { count: Number(digits) }
}

/** The values that the form shows. */
export function fieldsOf(form: Form): Record<string, string> {
  return {
    shares: defaultShares.join(', '),
    until: String(defaultUntilPercent),
    maxFailed: '5 %',
    patienceHours: String(defaultPatienceSeconds / 3600),
    ...form.values,
  }
}

const notCarried = new Set(['preview', 'expect', 'once', 'more'])

/** The fields of the form, for the step that confirms it. */
export function carriedFields(form: Form): { name: string; value: string }[] {
  return Object.keys(form.values)
    .filter((name) => !notCarried.has(name))
    .flatMap((name) => form.all(name).map((value) => ({ name, value })))
}

/** The same order as a command; undefined if the command line chooses machines otherwise. */
export function cliOf({ action, image, version, selector, ids, approve, until, between, ...order }: RolloutStart) {
  const machines =
    selector?.map((condition) => whereOf(condition as Condition)).join(' ') ?? ids?.slice(0, 20).join(' ')
  const hasMore = ['args', 'withoutArgs', 'params', 'answerFile'].some((name) => name in order)
  if (machines === undefined || hasMore || (ids ?? []).length > 20) return undefined
  const { shares, maxFailed, everyBoot } = order
  return [
    'rollout start',
    `--${action} ${image}${version === undefined ? '' : `@${version}`}`,
    machines,
    ...(everyBoot ? ['--every-boot'] : []),
    ...(shares ? [`--share ${shares.map((share) => `${share}%`).join(',')}`] : []),
    approve ? '--until approval' : `--until ${until}%`,
    ...(maxFailed ? [`--max-failed ${'percent' in maxFailed ? `${maxFailed.percent}%` : maxFailed.count}`] : []),
    ...(between ? [`--between ${between.from}-${between.to} --zone ${shellQuote(between.zone)}`] : []),
  ].join(' ')
}

/** Signs of tests on the command line. */
const signs: Record<string, string> = {
  ...{ equals: '=', prefix: '^=', glob: '~=', in: '@=', cidr: '/=' },
  ...{ exists: '?', absent: '!' },
}

function whereOf(condition: Condition): string {
  const { what, label, test } = rowOf(condition)
  const value = 'in' in condition ? condition.in.join(',') : 'exists' in condition ? '' : rowOf(condition).value
  return `--where ${shellQuote(`${what === 'label' ? `label.${label}` : what}${signs[test]}${value}`)}`
}
