// The machines of a token.

/** The machines of a token: those that have all these labels. Undefined means all machines. */
export type Scope = Record<string, string>

/** True if a machine with these labels is in the scope. */
export function isInScope(scope: Scope | undefined, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(scope ?? {}).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)
}
