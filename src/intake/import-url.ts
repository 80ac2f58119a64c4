// Downloads a file of an import from its URL.
import { createHash } from 'node:crypto'
import { download } from '../bytes/fetch/download.ts'
import type { Checksums, PartialFile } from '../bytes/fetch/partial-file.ts'
import { fromPartial, reuseStored, storeBytes } from '../files/keep.ts'
import { redactUrl } from '../lib/base-url.ts'
import type { FetchedFile, Intake, Job } from './intake.ts'

/** The key of the partial file of a URL. */
function downloadKey(url: string): string {
  return `download-${createHash('sha256').update(url).digest('hex')}`
}

/** A downloaded file. `partial` contains it until it is stored; absent if the store had it already. */
export type Downloaded = FetchedFile & { partial?: PartialFile }

/**
 * Downloads the file of a URL, unless the store has it. The partial file is kept after a crash or a failure, so that this
 * import or a later one can resume it.
 * @throws Error with the reason; DiskFullError; the reason of the job's signal
 */
export async function fetchUrl(
  intake: Intake,
  job: Job,
  url: string,
  name: string,
  checksums: Checksums,
): Promise<Downloaded> {
  const stored = checksums.sha256 === undefined ? undefined : await reuseStored(intake, checksums.sha256)
  if (stored !== undefined) return { sha256: stored.sha256, name, sizeBytes: stored.sizeBytes, store: async () => {} }

  const { partials, connector, stallMs, minBytesPerSecond, retriesMs, maxFileBytes } = intake
  const { signal, report } = job
  const shared = downloadKey(url)
  // If another import downloads the same URL, wait for it. To avoid a deadlock, do not wait while this import holds other files.
  const key = job.openPartials.size > 0 && partials.isOpen(shared) ? `import-${job.id}-${shared}` : shared
  const partial = await partials.open(key, {
    signal,
    hashes: checksums.sha512 === undefined ? ['sha256'] : ['sha256', 'sha512'],
  })
  job.openPartials.set(key, partial)
  report({ doing: `downloading ${name}`, doneBytes: partial.sizeBytes(), totalBytes: null })
  const progress = (done: number, total: number | undefined) =>
    report({ doing: `downloading ${name}`, doneBytes: done, totalBytes: total ?? null })
  const interrupted = (why: string) =>
    report({ doing: `retrying to download ${name} (${why})`, doneBytes: partial.sizeBytes(), totalBytes: null })
  const pace = { stallMs, minBytesPerSecond, retriesMs }
  const options = { connector, ...pace, maxBytes: maxFileBytes, checksums, signal, progress, interrupted }
  const got = await download(new URL(url), partial, options)
  if (got.sizeBytes === 0) throw new Error(`${redactUrl(url)}: the file is empty`)
  const storeFile = async () => {
    await storeBytes(intake, got.sha256, fromPartial(got.sha256, partial))
    await partials.remove(key)
    job.openPartials.delete(key)
    await partial.close()
  }
  return { ...got, name, partial, store: storeFile }
}
