// The differences between two values of JSON, field by field.

/** A field with its value before and after, as text. */
export type Difference = { field: string; before: string; after: string }

export function differencesOf(before: unknown, after: unknown): Difference[] {
  const [old, now] = [leavesOf(before), leavesOf(after)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((field) => old.get(field) !== now.get(field))
    .map((field) => ({ field, before: old.get(field) ?? '', after: now.get(field) ?? '' }))
}

/** Each simple value with its path. Lists of texts stay whole. */
function leavesOf(value: unknown, path = ''): Map<string, string> {
  if (value === null || value === undefined) return new Map()
  if (typeof value !== 'object' || (Array.isArray(value) && value.every((item) => typeof item !== 'object')))
    return new Map([[path || 'value', typeof value === 'string' ? value : JSON.stringify(value)]])
  const nested = Object.entries(value).map(([name, inner]) => {
    const step = Array.isArray(value) ? `[${name}]` : path === '' ? name : `.${name}`
    return leavesOf(inner, `${path}${step}`)
  })
  return new Map(nested.flatMap((leaves) => [...leaves]))
}
