// The sign-in names of people.

/** Maximum length of a name, characters. */
export const maxPersonName = 64

/** The form of a name, in words. */
export const personNameForm = `a name: 1 to ${maxPersonName} printable characters`

/**
 * A sign-in name in its stored form: lower case, and one spelling for letters that look the same (Unicode NFKC). Undefined for an
 * empty or long text, one with control or format characters, and one in the form of an id.
 */
export function parsePersonName(text: string): string | undefined {
  const name = text.normalize('NFKC').trim().toLowerCase()
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)
  return /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u.test(name) && !isId ? name : undefined
}
