import { isDeepStrictEqual } from 'node:util'

/** Whether two values are the same JSON: the order of keys and fields that are undefined do not count. */
export function isSameJson(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(asJson(a), asJson(b))
}

function asJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
