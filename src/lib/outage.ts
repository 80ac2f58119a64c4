/** The database did not answer within the time that its caller has. */
export class DatabaseTimeoutError extends Error {
  override name = 'DatabaseTimeoutError'
}

/** No connection to the database became free in time. */
export class BusyDatabaseError extends Error {
  override name = 'BusyDatabaseError'
}

// The codes of postgres.js, and those of Node for connections.
const connectionCodes =
  /^(CONNECTION_|CONNECT_TIMEOUT$|SILENT_SERVER$|E(CONN|PIPE$|TIMEDOUT$|HOST|NET|NOTFOUND$|AI_AGAIN$))/
// Connection, resources, operator, system, a lock or statement that took too long, a standby (PostgreSQL's manual, appendix A).
const stateCodes = /^(08|53|57|58|55P03|25006)/

/** Whether an error says that the database is away or cannot work now; the same may succeed later. */
export function isOutage(error: unknown): boolean {
  if (error instanceof DatabaseTimeoutError || error instanceof BusyDatabaseError) return true
  const { code, cause, errors } = (error ?? {}) as { code?: unknown; cause?: unknown; errors?: unknown }
  if (typeof code === 'string' && (connectionCodes.test(code) || (code.length === 5 && stateCodes.test(code))))
    return true
  if (Array.isArray(errors) && errors.some(isOutage)) return true
  return cause !== undefined && cause !== error && isOutage(cause)
}

/** Whether the server refused a connection because it has no more of them: nothing was begun. */
export function isRefusedConnection(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  return code === '53300' || (cause !== undefined && cause !== error && isRefusedConnection(cause))
}
