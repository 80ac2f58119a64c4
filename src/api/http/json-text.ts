// Limits of JSON values, checked before a schema reads them.
import { InputError } from '../../lib/errors.ts'

/** Deeper than any document of the API. A schema that recurses into an unbounded value would exhaust the stack. */
const maxDepth = 32

/**
 * Checks the depth of a parsed JSON value, and refuses the key `__proto__`, which JavaScript objects cannot hold as JSON
 * means it. Does not recurse. @throws InputError that names the field
 */
export function checkJson(value: unknown): void {
  let level: [path: string, value: unknown][] = [['', value]]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) {
      const field = level[0]?.[0].slice(0, 60) ?? 'body'
      throw new InputError({ field, value: 'more levels', expected: `at most ${maxDepth} nested levels` })
    }
    level = level.flatMap(([path, inside]) => childrenOf(path, inside))
  }
}

/** The objects and arrays in a value, each with its path. */
function childrenOf(path: string, value: unknown): [string, unknown][] {
  if (Array.isArray(value))
    return value.flatMap((item, index): [string, unknown][] => (isComposite(item) ? [[`${path}[${index}]`, item]] : []))
  if (!isComposite(value)) return []
  return Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const field = path === '' ? key : `${path}.${key}`
    if (key === '__proto__') throw new InputError({ field, value: key, expected: 'another name' })
    return isComposite(item) ? [[field, item]] : []
  })
}

function isComposite(value: unknown): value is object {
  return value !== null && typeof value === 'object'
}
