// Conditions of groups, as operators write them.
import { InvalidArgumentError } from 'commander'
import type { Condition } from '../../model/selector.ts'

/**
 * Parses a condition as operators write it: `product=X1`, `product^=PowerEdge` (prefix), `hostname~=web*` (glob),
 * `mac@=a,b` (list), `ip/=10.0.0.0/8` (subnet), `serial?` (present), `serial!` (absent). A condition on a label is
 * `label.rack=b4`. @throws InvalidArgumentError
 */
export function parseCondition(text: string): Condition {
  const [, name = '', operator = '', value = ''] = /^([a-z0-9._/-]+?)(\^=|~=|@=|\/=|=|\?$|!$)(.*)$/s.exec(text) ?? []
  const test = tests[operator]?.(value)
  if (name === '' || test === undefined)
    throw new InvalidArgumentError(
      'Expected a condition. Examples: product=X1, product^=Power, hostname~=web*, label.rack@=b4,b5, serial?',
    )
  const what = name.startsWith('label.') ? { label: name.slice(6) } : { fact: name }
  return { ...what, ...test } as Condition
}

const tests: Record<string, (value: string) => object> = {
  '=': (value) => ({ equals: value }),
  '^=': (value) => ({ prefix: value }),
  '~=': (value) => ({ glob: value }),
  '@=': (value) => ({ in: value.split(',') }),
  '/=': (value) => ({ cidr: value }),
  '?': () => ({ exists: true }),
  '!': () => ({ exists: false }),
}

/** Collects the conditions of a repeatable option. */
export function collectConditions(text: string, before: Condition[] | undefined): Condition[] {
  return [...(before ?? []), parseCondition(text)]
}

/** A selector as operators write it. */
export function formatSelector(selector: Condition[]): string {
  return selector.length === 0 ? 'every machine' : selector.map(formatCondition).join(' ')
}

function formatCondition(condition: Condition): string {
  const what = 'fact' in condition ? condition.fact : `label.${condition.label}`
  if ('exists' in condition) return `${what}${condition.exists ? '?' : '!'}`
  if ('in' in condition) return `${what}@=${condition.in.join(',')}`
  if ('prefix' in condition) return `${what}^=${condition.prefix}`
  if ('glob' in condition) return `${what}~=${condition.glob}`
  return 'cidr' in condition ? `${what}/=${condition.cidr}` : `${what}=${condition.equals}`
}
