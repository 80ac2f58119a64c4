// The current settings for operators: each with its value, and where the value comes from.
import type { Setting } from './setting.ts'

/** A setting with its current value. A secret or a password in a URL is replaced by asterisks. */
export type CurrentSetting = {
  name: string
  meaning: string
  expected: string
  /** Undefined if the setting has no value. */
  value?: string
  /** The text that counts if the variable is unset; undefined without a default. */
  default?: string
  source: 'environment' | 'default'
  secret: boolean
}

const redacted = '********'

/** The setting with the text that the environment gives it, and the text that counts. */
export function currentSetting(
  { name, meaning, expected, fallback, secret }: Setting<unknown>,
  given: string | undefined,
): CurrentSetting {
  const text = given ?? fallback
  const value = text === undefined || text === '' ? text : secret ? redacted : withoutPassword(text)
  return {
    ...{ name, meaning, expected, secret: secret === true, source: given === undefined ? 'default' : 'environment' },
    ...(value !== undefined && { value }),
    ...(fallback !== undefined && { default: fallback }),
  }
}

/** The user name and the password of a URL may be secret, and so may be its query. */
function withoutPassword(text: string): string {
  return text.replaceAll(/\/\/[^/\s]*@/g, `//${redacted}@`).replaceAll(/([?&][^=&\s,]+)=[^&\s,]*/g, `$1=${redacted}`)
}
