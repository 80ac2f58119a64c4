// Which errors mean that the database is unreachable.

/** The database did not answer within the caller's timeout. */
export class DatabaseTimeoutError extends Error {
  override name = 'DatabaseTimeoutError'
}

/** The database is unreachable, as earlier statements or a check found. The statement was not sent. */
export class DatabaseAwayError extends Error {
  override name = 'DatabaseAwayError'
}

/** No connection to the database became free in time. */
export class BusyDatabaseError extends Error {
  override name = 'BusyDatabaseError'
}

// Error codes of postgres.js, and of Node for connections.
const connectionCodes =
  /^(CONNECTION_|CONNECT_TIMEOUT$|SILENT_SERVER$|E(CONN|PIPE$|TIMEDOUT$|HOST|NET|NOTFOUND$|AI_AGAIN$))/
// SQLSTATE: connection, resources, operator, system, a lock timeout, a read-only standby (PostgreSQL manual, appendix
// A).
const stateCodes = /^(08|53|57|58|55P03|25006)/

/** Whether an error means that the database is unreachable or cannot work at present. A later retry may succeed. */
export function isOutage(error: unknown): boolean {
  if (error instanceof DatabaseTimeoutError || error instanceof DatabaseAwayError || error instanceof BusyDatabaseError)
    return true
  const { code, cause, errors } = (error ?? {}) as { code?: unknown; cause?: unknown; errors?: unknown }
  if (typeof code === 'string' && (connectionCodes.test(code) || (code.length === 5 && stateCodes.test(code))))
    return true
  if (Array.isArray(errors) && errors.some(isOutage)) return true
  return cause !== undefined && cause !== error && isOutage(cause)
}

// SQLSTATE: a lost connection, a server that stops or starts, no connection left.
const lostCodes = /^(08...|57P0[123]|53300)$/

/** Whether a connection to the database was lost or could not be opened. */
export function isLostConnection(error: unknown): boolean {
  const { code, cause, errors } = (error ?? {}) as { code?: unknown; cause?: unknown; errors?: unknown }
  if (typeof code === 'string' && (connectionCodes.test(code) || lostCodes.test(code))) return true
  if (Array.isArray(errors) && errors.some(isLostConnection)) return true
  return cause !== undefined && cause !== error && isLostConnection(cause)
}

/** Whether the database server refused a connection because all are in use. In that case, no statement has run. */
export function isRefusedConnection(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  return code === '53300' || (cause !== undefined && cause !== error && isRefusedConnection(cause))
}
