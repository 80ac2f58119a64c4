// Runs imports in order, a few in parallel, and resumes them after a restart.
import type { PartialFile } from '../bytes/fetch/partial-file.ts'
import type { Db } from '../db/open.ts'
import { recordFile } from '../files/keep.ts'
import { etagOf, PreconditionError } from '../inventory/common/precondition.ts'
import { findImage, saveImage } from '../inventory/images/images.ts'
import {
  endImport,
  findImport,
  type Import,
  type ImportProgress,
  listOpenImports,
  pruneImports,
  recordProgress,
} from '../inventory/images/imports.ts'
import { InputError, messageOf } from '../lib/errors.ts'
import { namePattern } from '../lib/ids/names.ts'
import { startLoop } from '../lib/time/loop.ts'
import { mergedVariants } from './discs/layout-variants.ts'
import { importPlan } from './import-plan.ts'
import type { Intake, Job, Outcome } from './intake.ts'
import { createSpeed } from './speed.ts'

export type ImportRunner = {
  /** Looks for waiting imports immediately. */
  wake: () => void
  /** Interrupts running imports; they resume at the next start. */
  stop: () => Promise<void>
}

export type ImportTimes = {
  atOnce: number
  /** Milliseconds between two looks for new and cancelled imports. */
  lookEveryMs: number
  /** Minimum milliseconds between two records of progress. */
  progressEveryMs: number
  keepPartsDays: number
  /** Milliseconds after which a running import is stopped, so that others can run. */
  maxRunMs: number
  /** Days to keep the records of imports that ended. */
  keepDays: number
}

export const usualImportTimes = { lookEveryMs: 3000, progressEveryMs: 1000, maxRunMs: 48 * 3_600_000, keepDays: 90 }

class CancelledError extends Error {
  override name = 'CancelledError'
}
class StoppedError extends Error {
  override name = 'StoppedError'
}

type Active = { stop: AbortController; ended: Promise<void> }

const hourMs = 3_600_000
const maxMessage = 2000

/**
 * Runs the imports requested from this server, in order, a few in parallel. Interrupted imports resume. An image appears only
 * after all its files are stored.
 * @param server the id of this server's data folder
 */
export function startImports(intake: Intake, server: string, times: ImportTimes): ImportRunner {
  const { db, log, partials } = intake
  const active = new Map<string, Active>()
  let prunedAt = 0

  const begin = (item: Import) => {
    const stop = new AbortController()
    const ended = runImport(intake, item, stop, times).then((end) => {
      active.delete(item.id)
      // An end that could not be recorded is retried after the usual wait: the database is unreachable.
      if (end !== 'unrecorded') loop.wake()
    })
    active.set(item.id, { stop, ended })
  }
  const look = async (signal: AbortSignal) => {
    const open = await listOpenImports(db, server)
    for (const [id, { stop }] of active)
      if (!open.some((item) => item.id === id)) stop.abort(new CancelledError(`import ${id} was cancelled`))
    for (const item of open) {
      if (signal.aborted || active.size >= times.atOnce) break
      if (!active.has(item.id)) begin(item)
    }
    if (Date.now() - prunedAt < hourMs) return false
    prunedAt = Date.now()
    await partials.prune(times.keepPartsDays)
    await pruneImports(db, times.keepDays)
    return false
  }
  const loop = startLoop(look, { name: 'import loop', everyMs: times.lookEveryMs, log })
  return {
    wake: loop.wake,
    stop: async () => {
      await loop.stop()
      for (const { stop } of active.values()) stop.abort(new StoppedError('the server is stopping'))
      await Promise.all([...active.values()].map(({ ended }) => ended))
    },
  }
}

type End = 'done' | 'failed' | 'cancelled' | 'stopped' | 'unrecorded'

/** Runs one import to its end. Never rejects. */
async function runImport(
  intake: Intake,
  item: Import,
  stop: AbortController,
  { progressEveryMs, maxRunMs }: ImportTimes,
): Promise<End> {
  const { db, log, partials } = intake
  const openPartials = new Map<string, PartialFile>()
  const progress = reportProgress(db, item.id, progressEveryMs, stop)
  const job: Job = { id: item.id, signal: stop.signal, report: progress.report, openPartials }
  const run = async (): Promise<End> => {
    try {
      const outcome = await importPlan(intake, job, item.plan)
      stop.signal.throwIfAborted()
      progress.report({ doing: 'storing', doneBytes: 0, totalBytes: null })
      for (const file of outcome.files) await file.store()
      await progress.end()
      const { name, version } = await saveOutcome(intake, item, outcome)
      log.info({ import: item.id, image: name, version }, 'imported an image')
      return 'done'
    } catch (error) {
      await progress.end()
      return recordFailure(intake, item, stop.signal.aborted ? stop.signal.reason : error)
    }
  }
  const hours = Math.round(maxRunMs / 3_600_000)
  const late = `not done after ${hours} hours. The bytes that arrived are kept: start the import again to resume it`
  const limit = setTimeout(() => stop.abort(new Error(late)), maxRunMs)
  const end = await run().catch((error: unknown): End => {
    log.warn({ import: item.id, error: messageOf(error) }, 'could not record how an import ended, running it again')
    return 'unrecorded'
  })
  clearTimeout(limit)
  // The bytes of an import that failed, or that resumes later, are kept for the next run.
  for (const [key, partial] of openPartials) {
    if (end === 'done' || end === 'cancelled' || partial.sizeBytes() === 0) await partials.remove(key).catch(() => {})
    await partial.close().catch(() => {})
  }
  await partials.removeAll(`import-${item.id}-`).catch(() => {})
  return end
}

async function recordFailure({ db, log }: Intake, item: Import, error: unknown): Promise<End> {
  // The import stays open, and resumes at the next start.
  if (error instanceof StoppedError) return 'stopped'
  const still = await findImport(db, item.id)
  if (error instanceof CancelledError || still === undefined || still.endedAt !== null) {
    log.info({ import: item.id }, 'import was cancelled')
    return 'cancelled'
  }
  const message = messageOf(error).slice(0, maxMessage)
  const ours = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
  log.warn({ import: item.id, error: message, ...(ours && { stack: error.stack }) }, 'import failed')
  await db.transaction((tx) => endImport(tx, item, { state: 'failed', message }))
  return 'failed'
}

/** Writes what is being done once in a while; when the import was ended by others, its work is stopped. */
function reportProgress(db: Db, id: string, everyMs: number, stop: AbortController) {
  let newest: ImportProgress | undefined
  const speedOf = createSpeed()
  let writing: Promise<void> = Promise.resolve()
  const write = async () => {
    const progress = newest
    newest = undefined
    if (progress === undefined) return
    // If the database is unreachable, the download continues.
    const { doing, doneBytes: bytes, totalBytes: total } = progress
    const bytesPerSecond = speedOf({ doing, bytes, total, atMs: performance.now() })
    const isOpen = await recordProgress(db, id, { ...progress, bytesPerSecond }).catch(() => true)
    if (!isOpen) stop.abort(new CancelledError(`import ${id} was cancelled`))
  }
  const timer = setInterval(() => {
    writing = writing.then(write)
  }, everyMs)
  return {
    report: (progress: ImportProgress) => {
      newest = progress
    },
    end: async () => {
      clearInterval(timer)
      newest = undefined
      await writing
    },
  }
}

const maxTries = 5

/** Records the files, saves the image and ends the import, in one transaction. */
async function saveOutcome(
  { db, store }: Intake,
  item: Import,
  outcome: Outcome,
): Promise<{ name: string; version: number }> {
  const name = item.image ?? outcome.name
  if (!namePattern.test(name))
    throw new InputError({ field: 'image', value: name, expected: "an image's name; give one" })
  for (let tries = 1; ; tries++) {
    try {
      return await db.transaction(async (tx) => {
        for (const file of outcome.files) await recordFile({ db: tx, store }, file)
        const before = await findImage(tx, name)
        const precondition = before === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: [etagOf(before)] }
        const { title, source, recipe, endOfLife } = outcome
        // A recognised installer stays marked as one, whatever the previous version was. Only the operator can override it.
        const installer = item.plan.installer ?? (outcome.installer || (before?.installer ?? outcome.installer))
        const variants = mergedVariants(before?.variants ?? [], outcome.variants)
        const draft = item.plan.draft ?? ('named' as const)
        const change = { title, source, recipe, endOfLife, installer, variants, draft, keepsAbout: true as const }
        const { image, draft: added } = await saveImage(tx, name, change, precondition, item.actor)
        const version = added ?? image.version
        const message = outcome.notes.join('\n').slice(0, maxMessage) || undefined
        await endImport(tx, item, { state: 'done', image: name, version, message })
        return { name, version }
      })
    } catch (error) {
      // Somebody changed the image in this moment.
      if (!(error instanceof PreconditionError) || tries === maxTries) throw error
    }
  }
}
