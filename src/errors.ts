/** One field of an input that was not what it should be. */
export type FieldFault = { field: string; value: string; expected: string }

/** Input from outside is not acceptable. Each fault names the field, the value and what was expected. */
export class InputError extends Error {
  override name = 'InputError'
  readonly faults: FieldFault[]
  constructor(faults: FieldFault | FieldFault[]) {
    const list = Array.isArray(faults) ? faults : [faults]
    super(list.map((f) => `${f.field}: expected ${f.expected}, got ${quote(f.value)}`).join('; '))
    this.faults = list
  }
}

/** The thing asked for does not exist. */
export class NotFoundError extends Error {
  override name = 'NotFoundError'
}

/** The request is sound but at odds with what is stored. */
export class ConflictError extends Error {
  override name = 'ConflictError'
}

/** The settings are wrong; the server does not start. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** The disk has no room for what is to be written. `code` is that of write(2), where that found it too. */
export class DiskFullError extends Error {
  override name = 'DiskFullError'
  readonly code = 'ENOSPC'
}

/** The first of an error and its causes that is of a kind; drivers wrap what they throw. */
export function findCause<Kind extends Error>(error: unknown, kind: new (...args: never[]) => Kind): Kind | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof kind) return at
  return undefined
}

/** A value from outside, short and printable, in quotes, for a message. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
}

/** What went wrong, as one line, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
