// What a start opened, and how it is closed: in the reverse order, once, whatever fails on the way.
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'

export type Close = () => Promise<unknown>

/** `add` takes what is to be closed; `stop` closes all of it, and a second call waits for the same end. */
export type Closers = { add: (close: Close) => void; stop: () => Promise<void> }

export function createClosers(log: Pick<Logger, 'error'>): Closers {
  const closers: Close[] = []
  let stopped: Promise<void> | undefined
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse())
      await close().catch((error) => log.error({ error: messageOf(error) }, 'a part of the server did not close'))
  }
  return {
    add: (close) => void closers.push(close),
    stop: () => {
      stopped ??= closeAll()
      return stopped
    },
  }
}
