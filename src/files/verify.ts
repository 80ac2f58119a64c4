// Verification of stored files on an operator's request, with progress.
import { listFiles, type StoredFile } from '../inventory/images/files.ts'
import { messageOf } from '../lib/errors.ts'
import { inTime } from '../lib/time/in-time.ts'
import type { FileChecks, MaintenanceDeps } from './check.ts'

/** A line of progress or result. `failed`: the file could not be checked. */
export type VerifyLine =
  | { kind: 'progress'; sha256: string; name: string; sizeBytes: number; doneBytes: number }
  | { kind: 'checked'; sha256: string; name: string; sizeBytes: number; damage: string | null }
  | { kind: 'failed'; sha256: string; name: string; sizeBytes: number; message: string }
  | { kind: 'end'; checked: number; damaged: number; failed: number; bytes: number }

/** Faster than in the background, because an operator waits. */
const maxBytesPerSecond = 100e6
const pageFiles = 500

/** Verifies these files, or all recorded files, one after the other, and yields the progress. */
export async function* verifyFiles(
  { db }: Pick<MaintenanceDeps, 'db'>,
  checks: FileChecks,
  files: StoredFile[] | undefined,
  signal: AbortSignal,
  progressMs = 1000,
): AsyncGenerator<VerifyLine> {
  const end = { kind: 'end' as const, checked: 0, damaged: 0, failed: 0, bytes: 0 }
  for await (const file of files ?? allFiles(db)) {
    const { sha256, name, sizeBytes } = file
    const about = { sha256, name, sizeBytes }
    let doneBytes = 0
    const progress = (bytes: number) => {
      doneBytes = bytes
    }
    const checking = checks
      .check(file, { bytesPerSecond: maxBytesPerSecond, signal, progress })
      .then((damage) => ({ kind: 'checked' as const, ...about, damage }))
      .catch((error: unknown) => ({ kind: 'failed' as const, ...about, message: messageOf(error) }))
    let line: Awaited<typeof checking> | undefined
    for (;;) {
      line = await inTime(checking, progressMs)
      if (line !== undefined) break
      yield { kind: 'progress', ...about, doneBytes }
    }
    if (signal.aborted) return
    yield line
    if (line.kind === 'failed') end.failed++
    else {
      end.checked++
      end.bytes += sizeBytes
      if (line.damage !== null) end.damaged++
    }
  }
  yield end
}

async function* allFiles(db: MaintenanceDeps['db']): AsyncGenerator<StoredFile> {
  for (let after: string | undefined; ; ) {
    const page = await listFiles(db, pageFiles, after)
    yield* page
    after = page.at(-1)?.sha256
    if (page.length < pageFiles) return
  }
}
