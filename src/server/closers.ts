// The open parts of a server. They are closed once, in the reverse order, even if closing some of them fails.
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'

export type Close = () => Promise<unknown>

/** `add` registers a function that closes a part. `stop` closes all parts; further calls wait for the first. */
export type Closers = { add: (close: Close) => void; stop: () => Promise<void> }

export function createClosers(log: Pick<Logger, 'error'>): Closers {
  const closers: Close[] = []
  let stopped: Promise<void> | undefined
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse())
      await close().catch((error) => log.error({ error: messageOf(error) }, 'closing a part of the server failed'))
  }
  return {
    add: (close) => void closers.push(close),
    stop: () => {
      stopped ??= closeAll()
      return stopped
    },
  }
}
