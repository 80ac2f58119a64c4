// Commands with --watch: they print a document again and again, until Ctrl-C or its end.
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { asTyped, commandName } from '../../lib/typed-command.ts'
import { RefusedError } from './client.ts'
import { type CliDeps, print } from './deps.ts'
import { printable } from './format.ts'

const defaultPollMs = 2000
/** Moves the cursor to the top and clears the screen (ECMA-48: CUP, ED). */
const clearScreen = '\x1b[H\x1b[2J'

/**
 * Prints a document every 2 s until Ctrl-C, or until it has ended. While the server does not answer, the reason is shown.
 * @throws RefusedError if the server refuses the request
 */
export async function watchDocument<T>(
  command: Command,
  deps: CliDeps,
  {
    first,
    find,
    format,
    hasEnded = () => false,
  }: { first: T; find: () => Promise<T>; format: (document: T) => string; hasEnded?: (document: T) => boolean },
): Promise<void> {
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt)
  try {
    for (let found: T | Error = first; !stop.signal.aborted; ) {
      if (deps.screen) deps.out(clearScreen)
      if (found instanceof Error)
        deps.out(`${printable(asTyped(`not up to date: ${found.message}`, commandName(deps.env)))}\n`)
      else {
        print(command, deps, found, format)
        if (hasEnded(found)) return
      }
      await wait(deps.pollMs ?? defaultPollMs, undefined, { signal: stop.signal }).catch(() => undefined)
      if (stop.signal.aborted) return
      found = await find().catch((error: unknown) => {
        // A server that restarts answers again.
        if (error instanceof RefusedError) throw error
        return error as Error
      })
    }
  } finally {
    process.off('SIGINT', interrupt)
  }
}
