// The difference between two values, as text.

/** The differences between two objects of the API by field: `labels.rack: "b4" -> nothing`. Long values are cut. */
export function difference(before: unknown, after: unknown): string {
  return differences(before, after, '', before === undefined)
    .map((text) => cut(text, 120))
    .join('; ')
}

/** Cuts a text to `max` characters, after a word if possible, and ends it with `…`. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text
  const start = text.slice(0, max - 1)
  const blank = start.lastIndexOf(' ')
  return `${blank > max / 2 ? start.slice(0, blank) : start}…`
}

function differences(before: unknown, after: unknown, field: string, isNew: boolean): string[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  if (field !== '' && (old === undefined || now === undefined)) {
    if (inWords(before) === inWords(after)) return []
    return [isNew ? `${field}: ${inWords(after)}` : `${field}: ${inWords(before)} -> ${inWords(after)}`]
  }
  return [...new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})])].flatMap((name) =>
    differences(old?.[name], now?.[name], field === '' ? name : `${field}.${name}`, isNew),
  )
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

function inWords(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
