// Notifies when a connection ends, also for requests that still wait on it.
import type { Socket } from 'node:net'

/** The callbacks of each connection, so that it needs only one listener for all its pipelined requests. */
const callbacksByConnection = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls `notify` once when a connection has ended. Node's `close` event is not enough: a response that waits behind another on
 * the same connection never emits it. Returns a function that removes the callback.
 */
export function onceEnded(connection: Socket, notify: () => void): () => void {
  const existing = callbacksByConnection.get(connection)
  const callbacks = existing ?? new Set()
  callbacks.add(notify)
  if (existing === undefined) {
    callbacksByConnection.set(connection, callbacks)
    connection.once('close', () => {
      for (const callback of [...callbacks]) callback()
      callbacks.clear()
    })
  }
  return () => callbacks.delete(notify)
}
