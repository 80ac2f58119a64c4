// An import on the server, followed to its end.
import { setTimeout as wait } from 'node:timers/promises'
import type { Image } from '../../api/schemas/images/image.ts'
import type { Import } from '../../api/schemas/images/import.ts'
import { type Client, RefusedError } from '../shell/client.ts'
import type { CliDeps } from '../shell/deps.ts'
import { pathOf } from '../shell/path.ts'
import { startProgress } from '../shell/progress.ts'

const defaultPollMs = 500
/** Waits for a server that restarts. */
const patienceMs = 120_000

/**
 * Follows an import to its end, on one line. Ctrl-C stops following, but not the import.
 * @returns the image and the version that was made; undefined when nobody waits any longer
 * @throws Error for the operator: it failed, or was cancelled
 */
export async function followImport(
  client: Client,
  deps: CliDeps,
  asked: Import,
): Promise<{ image: Image; version: number } | undefined> {
  const label = asked.image ?? asked.source
  const progress = startProgress(deps, `import ${label}`)
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt)
  try {
    let current = asked
    let answeredAt = Date.now()
    while (current.state === 'waiting' || current.state === 'running') {
      progress.update(current.doing || current.state, current.doneBytes, current.totalBytes)
      await wait(deps.pollMs ?? defaultPollMs, undefined, { signal: stop.signal })
      try {
        current = await client.ask<Import>('GET', `/imports/${asked.id}`)
        answeredAt = Date.now()
      } catch (error) {
        if (error instanceof RefusedError || Date.now() - answeredAt > patienceMs) throw error
      }
    }
    if (current.state !== 'done') throw new Error(current.message ?? 'the import was cancelled')
    progress.end(`done, from ${current.source}`)
    if (current.message !== undefined) deps.err(`${current.message}\n`)
    const image = await client.ask<Image>('GET', pathOf('images', current.image ?? ''))
    return { image, version: current.version ?? image.version }
  } catch (error) {
    progress.clear()
    if (!stop.signal.aborted) throw error
    tellItGoesOn(deps, asked)
    process.exitCode = 130
    return undefined
  } finally {
    process.removeListener('SIGINT', interrupt)
  }
}

/** Prints how to look after an import that runs in the background. */
export function tellItGoesOn(deps: CliDeps, { id }: Pick<Import, 'id'>): void {
  deps.err(
    `the import continues on the server: bootwright image imports; to cancel it: bootwright image imports cancel ${id}\n`,
  )
}
