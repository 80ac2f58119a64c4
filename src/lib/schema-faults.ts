import type { z } from 'zod'

/** For `z.config` or a parse: the message of an unknown field names the one that was probably meant, a line for each. */
export const unknownFieldMap: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'unrecognized_keys') return undefined
  const { keys } = issue as { keys: string[] }
  const { def } = (issue.inst as z.core.$ZodObject | undefined)?._zod ?? {}
  const fields = Object.keys(def?.shape ?? {})
  return keys.map((key) => unknownField(key, fields)).join('\n')
}

/** `unknown field "timeout"; did you mean timeoutSeconds?` */
export function unknownField(name: string, fields: string[]): string {
  const meant = closest(name, fields)
  const next = meant === undefined ? `expected one of ${fields.slice(0, 24).join(', ')}` : `did you mean ${meant}?`
  return `unknown field ${JSON.stringify(name.slice(0, 80))}; ${next}`
}

/** A field is absent that must be there: `variants is required`. Undefined when the issue is another. */
export function requiredField(issue: z.core.$ZodIssue, field: string, value: unknown): string | undefined {
  if (value !== undefined || !['invalid_type', 'invalid_value', 'invalid_union'].includes(issue.code)) return undefined
  // Zod's own words for a type tell nothing more to a person who forgot the field.
  const own = /^Invalid |^expected \w+$/.test(issue.message)
  return own ? `${field} is required` : `${field} is required: ${issue.message}`
}

/** The name that a person most likely meant: one that begins so, or else one that a few slips away. */
export function closest(name: string, names: string[]): string | undefined {
  const given = plain(name.slice(0, 80))
  const begun = names.filter((one) => plain(one).startsWith(given) || given.startsWith(plain(one)))
  if (given.length > 2 && begun.length > 0) return begun.sort((a, b) => a.length - b.length)[0]
  const ranked = names
    .map((one) => ({ one, slips: slipsBetween(given, plain(one)) }))
    .filter(({ one, slips }) => slips <= Math.max(1, Math.floor(one.length * 0.4)))
    .sort((a, b) => a.slips - b.slips)
  return ranked[0]?.one
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

/** Letters that are missing, too many, wrong or swapped (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const now = [row]
    for (let column = 1; column <= b.length; column++) {
      const wrong = a[row - 1] === b[column - 1] ? 0 : 1
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      now[column] = Math.min(
        at(last, column) + 1,
        at(now, column - 1) + 1,
        at(last, column - 1) + wrong,
        swapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = last
    last = now
  }
  return at(last, b.length)
}

function at(row: number[], column: number): number {
  return row[column] as number
}
