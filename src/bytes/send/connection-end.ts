// When a connection ends, also for requests that still wait on it.
import type { Socket } from 'node:net'

/** Who is told, by connection: one listener on each, however many requests came on it at once. */
const told = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls `tell` once when a connection has ended. Node's response says it only in its turn: one that waits behind another on the
 * same connection never does. Gives the function that takes the call back.
 */
export function onceEnded(connection: Socket, tell: () => void): () => void {
  const known = told.get(connection)
  const tells = known ?? new Set()
  tells.add(tell)
  if (known === undefined) {
    told.set(connection, tells)
    connection.once('close', () => {
      for (const one of [...tells]) one()
      tells.clear()
    })
  }
  return () => tells.delete(tell)
}
