// Starting an import on the server, and waiting for it.

import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Image } from '../../api/schemas/images/image.ts'
import type { Import, ImportRequest } from '../../api/schemas/images/import.ts'
import { type Client, RefusedError, withQuery } from '../shell/client.ts'
import { type CliDeps, print } from '../shell/deps.ts'
import { formatFit } from '../shell/format.ts'
import { pathOf } from '../shell/path.ts'
import { startProgress } from '../shell/progress.ts'
import { formatNextVersion, printNextStep } from './uses.ts'

const defaultPollMs = 500
/** How long a restarting server may be unreachable. */
const patienceMs = 120_000

export type StartOptions = { wait: boolean; dryRun?: true }

/** Starts an import and follows it. A dry run prints what would be imported. */
export async function startImport(
  command: Command,
  deps: CliDeps,
  client: Client,
  path: string,
  body: ImportRequest | undefined,
  { wait, dryRun }: StartOptions,
): Promise<void> {
  const asked = await client.ask<Import>('POST', withQuery(path, { dryRun: dryRun && 'true' }), body)
  if (!dryRun) return followAsked(command, deps, client, asked, wait)
  print(command, deps, asked, ({ image, next }) => formatNextVersion(image, next))
}

async function followAsked(
  command: Command,
  deps: CliDeps,
  client: Client,
  asked: Import,
  wait: boolean,
): Promise<void> {
  if (!wait) {
    print(command, deps, asked, ({ id }) => id)
    return printUnfinished(deps, asked)
  }
  const before = asked.image === undefined ? undefined : await client.find<Image>(pathOf('images', asked.image))
  const done = await followImport(client, deps, asked)
  if (done !== undefined) await printImage(command, deps, client, done.image, done.version, before?.version)
}

/** Prints a new version of an image, and the next step. */
export async function printImage(
  command: Command,
  deps: CliDeps,
  client: Client,
  image: Image,
  version: number,
  before: number | undefined,
): Promise<void> {
  print(command, deps, image, () => `${image.name} version ${version}: ${image.variants.map(formatFit).join(', ')}`)
  await printNextStep(client, deps, image, version, before)
}

/**
 * Waits for an import and shows its progress on one line. Ctrl-C ends the wait, not the import.
 * @returns the image and its new version; undefined after Ctrl-C
 * @throws Error for the operator: the import failed or was cancelled
 */
async function followImport(
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
      await delay(deps.pollMs ?? defaultPollMs, undefined, { signal: stop.signal })
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
function printUnfinished(deps: CliDeps, { id }: Pick<Import, 'id'>): void {
  deps.err(
    `the import continues on the server; to see its progress: bootwright image imports; to cancel it: bootwright image imports cancel ${id}\n`,
  )
}
