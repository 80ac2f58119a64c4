// What a browser sends: the fields of a form, or of a query.

/** The fields of a form. A field that is absent or empty is undefined. */
export type Form = {
  get: (name: string) => string | undefined
  all: (name: string) => string[]
  has: (name: string) => boolean
  /** All fields, for a form that is shown again. */
  values: Record<string, string>
}

/** Reads urlencoded fields. Texts are trimmed, and line ends become line feeds. */
export function readForm(fields: URLSearchParams): Form {
  const clean = (text: string) => text.replaceAll('\r\n', '\n').trim()
  const all = (name: string) =>
    fields
      .getAll(name)
      .map(clean)
      .filter((text) => text !== '')
  return {
    get: (name) => all(name)[0],
    all,
    has: (name) => fields.has(name),
    values: Object.fromEntries([...fields].map(([name, text]) => [name, text.replaceAll('\r\n', '\n')])),
  }
}
