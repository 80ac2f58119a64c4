// Errors of the database by their code.

/** Whether an error has one of these codes of PostgreSQL (`23505`: unique_violation), wherever the driver has put it. */
export function hasSqlState(error: unknown, ...codes: string[]): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  return codes.includes(String(code)) || (cause !== undefined && hasSqlState(cause, ...codes))
}
