// The conditions of a selector as rows of a form.
import type { Condition, SelectorFact } from '../../model/selector.ts'
import type { Form } from '../http/form.ts'

/** A row: a fact or `label`, the name of the label, the test, and its value as text. */
export type ConditionRow = { what: string; label: string; test: string; value: string }

/** The tests, with the words of the form. */
export const tests = {
  equals: 'is',
  in: 'is one of',
  prefix: 'begins with',
  glob: 'matches',
  cidr: 'is in the subnet',
  exists: 'has a value',
  absent: 'has no value',
}

/** The facts, with the words of the form. */
export const factWords: Record<SelectorFact, string> = {
  mac: 'MAC address',
  uuid: 'UUID',
  serial: 'serial number',
  asset: 'asset tag',
  manufacturer: 'manufacturer',
  product: 'product',
  hostname: 'host name',
  arch: 'architecture',
  platform: 'firmware',
  ip: 'IP address',
}

/** A condition in the words of the form: `host name begins with web`. */
export function describeCondition(condition: Condition): string {
  const { what, label, test, value } = rowOf(condition)
  const subject = what === 'label' ? `label ${label}` : factWords[what as SelectorFact]
  const values = value.length > 200 ? `${value.slice(0, 200)}…` : value
  return [subject, tests[test as keyof typeof tests], values].filter((text) => text !== '').join(' ')
}

const emptyRow: ConditionRow = { what: '', label: '', test: 'equals', value: '' }
const maxRows = 32

/** The rows of the fields, as they were entered. */
export function readRows(form: Form): ConditionRow[] {
  const count = Math.min(Number(form.get('rows') ?? 0) || 0, maxRows)
  return Array.from({ length: count }, (_, index) => {
    const field = (name: string) => form.get(`${name}.${index}`) ?? ''
    return { what: field('what'), label: field('label'), test: field('test') || 'equals', value: field('value') }
  })
}

/** The rows, with empty rows for further conditions. */
export function withEmptyRows(rows: ConditionRow[], count: number): ConditionRow[] {
  const filled = rows.filter(({ what }) => what !== '')
  return [...filled, ...Array.from({ length: count }, () => emptyRow)].slice(0, maxRows)
}

/** The selector for the API. Rows without a fact or label are left out. */
export function selectorOf(rows: ConditionRow[]): Condition[] {
  return rows.filter(({ what }) => what !== '').map(conditionOf)
}

function conditionOf({ what, label, test, value }: ConditionRow): Condition {
  const subject = what === 'label' ? { label } : { fact: what }
  const tested =
    test === 'exists' || test === 'absent'
      ? { exists: test === 'exists' }
      : { [test]: test === 'in' ? readValues(value) : value }
  return { ...subject, ...tested } as Condition
}

export function rowOf(condition: Condition): ConditionRow {
  const subject = 'fact' in condition ? { what: condition.fact, label: '' } : { what: 'label', label: condition.label }
  if ('exists' in condition) return { ...subject, test: condition.exists ? 'exists' : 'absent', value: '' }
  if ('in' in condition) return { ...subject, test: 'in', value: formatValues(condition.in) }
  const [test = 'equals', value = ''] =
    Object.entries(condition).find(([name]) => name !== 'fact' && name !== 'label') ?? []
  return { ...subject, test, value: String(value) }
}

/** Values with commas between them, or a JSON list for values that contain commas. */
function readValues(text: string): string[] {
  if (text.startsWith('[')) {
    try {
      return JSON.parse(text) as string[]
    } catch {
      return [text]
    }
  }
  return text
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '')
}

function formatValues(values: string[]): string {
  return values.some((value) => /,|^\[|^\s|\s$/.test(value)) ? JSON.stringify(values) : values.join(', ')
}
