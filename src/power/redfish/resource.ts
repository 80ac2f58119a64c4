// Reads the JSON of Redfish resources, without trust in their form.

/** A member that must be an object; an empty object if it is something else. */
export function objectIn(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The texts of an array; undefined for any other value. */
export function textsIn(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : undefined
}

/** The path of a link (`@odata.id`); undefined if the value is not a link. */
export function linkIn(value: unknown): string | undefined {
  return textIn(objectIn(value)['@odata.id'])
}
