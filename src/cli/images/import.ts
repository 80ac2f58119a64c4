// Waiting for an import on the server.
import { setTimeout as wait } from 'node:timers/promises'
import type { Image } from '../../api/schemas/images/image.ts'
import type { Import } from '../../api/schemas/images/import.ts'
import { type Client, RefusedError } from '../shell/client.ts'
import type { CliDeps } from '../shell/deps.ts'
import { pathOf } from '../shell/path.ts'
import { startProgress } from '../shell/progress.ts'

const defaultPollMs = 500
/** How long a restarting server may be unreachable. */
const patienceMs = 120_000

/**
 * Waits for an import and shows its progress on one line. Ctrl-C ends the wait, not the import.
 * @returns the image and its new version; undefined after Ctrl-C
 * @throws Error for the operator: the import failed or was cancelled
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
    printUnfinished(deps, asked)
    process.exitCode = 130
    return undefined
  } finally {
    process.removeListener('SIGINT', interrupt)
  }
}

/** Prints how to follow or cancel an import that continues in the background. */
export function printUnfinished(deps: CliDeps, { id }: Pick<Import, 'id'>): void {
  deps.err(
    `the import continues on the server; to see its progress: bootwright image imports; to cancel it: bootwright image imports cancel ${id}\n`,
  )
}
