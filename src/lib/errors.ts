// The classes of errors, and the texts of errors for people and for the log.

/** One invalid field of an input. `message` is the whole sentence, where the usual sentence does not fit. */
export type FieldFault = { field: string; value: string; expected: string; message?: string | undefined }

/** Input from outside is invalid. Each fault names the field, the value and what was expected. */
export class InputError extends Error {
  override name = 'InputError'
  readonly faults: FieldFault[]
  /** Names that a template uses and that are not set (`params.disk`), for the commands that set them. */
  readonly missing: string[]
  constructor(faults: FieldFault | FieldFault[], missing: string[] = []) {
    const list = Array.isArray(faults) ? faults : [faults]
    super(list.map(faultText).join('; '))
    this.faults = list
    this.missing = missing
  }
}

/** `hostname: expected a host name, got "a_b"` */
export function faultText({ field, value, expected, message }: FieldFault): string {
  return message ?? `${field}: expected ${expected}, got ${quote(value)}`
}

/** The thing asked for does not exist. */
export class NotFoundError extends Error {
  override name = 'NotFoundError'
}

/** @throws NotFoundError if the thing is undefined. @param what the thing in words: `image debian-12` */
export function requireFound(thing: unknown, what: string): asserts thing {
  if (thing === undefined) throw new NotFoundError(`there is no ${what}`)
}

/** The request is valid, but it conflicts with stored data. */
export class ConflictError extends Error {
  override name = 'ConflictError'
}

/** The request is valid, but who asks may not do it. The code is of the table of findings. */
export class ForbiddenError extends Error {
  override name = 'ForbiddenError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** A setting is invalid, so the server does not start. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** The disk has no space for a write. `code` is the code that write(2) gives for a full disk. */
export class DiskFullError extends Error {
  override name = 'DiskFullError'
  readonly code = 'ENOSPC'
}

/** Neither the database nor the journal can record a boot. */
export class JournalFullError extends Error {
  override name = 'JournalFullError'
}

/** The first error of a class in a chain of causes. Drivers wrap the errors that they throw. */
export function findCause<Kind extends Error>(error: unknown, kind: new (...args: never[]) => Kind): Kind | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof kind) return at
  return undefined
}

/** A value from outside, shortened, printable and in quotes, for a message. */
export function quote(value: unknown): string {
  return JSON.stringify(short(value))
}

/** A value as text, of at most 80 characters. */
export function short(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/**
 * The message of any thrown value. The statement and the values of a failed query are left out, because they may be
 * secret. An error of several attempts (a host name with two addresses) yields the messages of all attempts.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (isQueryError(error)) return messageOf(error.cause)
  if (error instanceof AggregateError && error.errors.length > 0)
    return [...new Set(error.errors.map(messageOf))].join(', ')
  return error.message || String((error as { code?: unknown }).code ?? error.name)
}

/** The stack of an error and of its causes, without the values of queries. */
export function stackOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? []
  const own = [`${error.name}: ${messageOf(error)}`, ...frames].join('\n')
  const { cause } = error
  return cause === undefined || cause === error ? own : `${own}\ncaused by ${stackOf(cause) ?? String(cause)}`
}

// drizzle's DrizzleQueryError: its message is the statement with its parameters, and its cause is the database's error.
function isQueryError(error: Error): boolean {
  return 'query' in error && 'params' in error && error.cause !== undefined
}
