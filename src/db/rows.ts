// Reads the result of a raw statement.

/** The rows of a statement that `execute` ran: postgres.js answers with an array of them, PGlite with an object that holds it. */
export function rowsOf<Row>(result: unknown): Row[] {
  return (Array.isArray(result) ? result : ((result as { rows?: unknown[] }).rows ?? [])) as Row[]
}
