// Which passwords are accepted. Length counts, and no mixture of characters is required (NIST SP 800-63B, 3.1.1.2).
import { InputError } from '../lib/errors.ts'

export const minPasswordLength = 12
export const maxPasswordLength = 256

/** Words of passwords that are tried first. A password made only of them, digits and signs is refused. */
const commonWords =
  /(bootwright|password|passwort|motdepasse|contrasena|administrator|admin|root|operator|welcome|willkommen|changeme|letmein|qwertyuiop|qwertzuiop|azertyuiop|qwerty|qwertz|asdfghjkl|asdf|yxcvbnm|zxcvbnm|secret|geheim|iloveyou|monkey|dragon|football|default|login|server|test)/g

const minDistinct = 5

/** Why a password is refused for the person with that name, as an error about a field; undefined if it is accepted. */
export function passwordFault(password: string, name: string): ((field: string) => InputError) | undefined {
  const expected = expectedOf(password.normalize('NFKC'), name)
  // The value is left out: errors are shown and logged.
  return expected === undefined
    ? undefined
    : (field) => new InputError({ field, value: '***', expected, message: `${field}: expected ${expected}` })
}

function expectedOf(password: string, name: string): string | undefined {
  const { length } = [...password]
  if (length < minPasswordLength) return `at least ${minPasswordLength} characters`
  if (length > maxPasswordLength) return `at most ${maxPasswordLength} characters`
  if (/\p{Cc}/u.test(password)) return 'no control characters'
  const lower = password.toLowerCase()
  const own = name.toLowerCase()
  const left = own.length < 3 ? lower : lower.replaceAll(own, '')
  if (!hasSubstance(left)) return 'more than the name of the person'
  if (new Set(lower).size < minDistinct) return `at least ${minDistinct} different characters`
  if (isSequence(lower)) return 'no sequence such as abcdef or 123456'
  if (!hasSubstance(lower.replaceAll(commonWords, ''))) return 'more than common words and digits'
  return undefined
}

/** Whether enough letters are left without digits and signs. A password of digits only needs its length. */
function hasSubstance(text: string): boolean {
  return text.replaceAll(/[^\p{L}]/gu, '').length >= 3 || text.length >= minPasswordLength
}

/** Characters that count up or down, and such that go round: `abcdefghijkl`, `987654321098`. */
function isSequence(text: string): boolean {
  const codes = [...text].map((character) => character.codePointAt(0) ?? 0)
  const steps = codes.slice(1).map((code, index) => code - (codes[index] ?? 0))
  const isStep = (step: number) => Math.abs(step) === 1 || Math.abs(step) === 9
  return steps.filter(isStep).length >= steps.length * 0.75
}
