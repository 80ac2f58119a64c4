import { isDeepStrictEqual } from 'node:util'

/** A value as JSON with sorted keys, for comparison: PostgreSQL's jsonb returns keys in an order of its own. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner) && !(inner instanceof Date)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** Whether two values are the same JSON: the order of keys and fields that are undefined do not count. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (isPlain(a) && isPlain(b)) return a === b
  return isDeepStrictEqual(asJson(a), asJson(b))
}

function asJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}

/** A value that JSON does not change. */
function isPlain(value: unknown): boolean {
  return value === undefined || typeof value === 'string' || typeof value === 'boolean'
}
