// Verifies the bytes of a stored file.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FileStore, OpenFile } from '../bytes/store/file-store.ts'
import { recordCheck, type StoredFile } from '../inventory/images/files.ts'
import type { Logger } from '../lib/log.ts'
import type { FileFault } from '../model/catalog.ts'
import { sizeFault } from '../model/catalog.ts'
import type { FileDeps } from './keep.ts'

/** The dependencies of verification and garbage collection. */
export type MaintenanceDeps = FileDeps & { log: Logger }

export type CheckOptions = {
  /** Maximum speed of reading: machines that boot need the disk and the processor. */
  bytesPerSecond: number
  /** Aborts the check, which then throws the reason of the signal. */
  signal: AbortSignal
  progress?: (doneBytes: number) => void
}

/** Verifies stored files, one at a time even with several callers. */
export type FileChecks = {
  /** Verifies a file and records the result: its damage, or null if it is intact. */
  check: (file: StoredFile, options: CheckOptions) => Promise<string | null>
}

// Hashing a chunk blocks the process for about a millisecond.
const chunkBytes = 512 * 1024

export function createFileChecks(deps: MaintenanceDeps): FileChecks {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes)
  let last: Promise<unknown> = Promise.resolve()
  return {
    check: (file, options) => {
      const turn = last.then(() => checkFile(deps, file, buffer, options))
      last = turn.catch(() => {})
      return turn
    },
  }
}

async function checkFile(
  { db, store, log }: MaintenanceDeps,
  file: StoredFile,
  buffer: Buffer,
  options: CheckOptions,
): Promise<string | null> {
  options.signal.throwIfAborted()
  const { sha256, name } = file
  const fault = await findFault(store, file, buffer, options)
  const changed = await recordCheck(db, file, fault)
  const damage = fault?.damage ?? null
  if (damage !== null && changed) log.error({ file: name, sha256, damage }, 'stored file is damaged')
  if (damage === null && changed) log.info({ file: name, sha256 }, 'damaged file is intact again')
  return damage
}

async function findFault(
  store: FileStore,
  { sha256, sizeBytes }: StoredFile,
  buffer: Buffer,
  options: CheckOptions,
): Promise<FileFault | null> {
  const open = await store.open(sha256)
  const fault = sizeFault(sizeBytes, open?.sizeBytes)
  if (open === undefined || fault !== undefined) {
    await open?.close()
    return fault ?? null
  }
  try {
    const { doneBytes, actual } = await hashOf(open, buffer, options)
    return sizeFault(sizeBytes, doneBytes) ?? (actual === sha256 ? null : changed(`its sha256 is ${actual}`))
  } catch (error) {
    // EIO means that the disk cannot read the bytes (errno(3)). Other errors are not damage of the file.
    if ((error as NodeJS.ErrnoException).code === 'EIO') return changed('its bytes cannot be read from the disk')
    throw error
  } finally {
    await open.close()
  }
}

const changed = (damage: string): FileFault => ({ kind: 'changed', damage })

async function hashOf(open: OpenFile, buffer: Buffer, { bytesPerSecond, signal, progress }: CheckOptions) {
  const hash = createHash('sha256')
  const startedAt = performance.now()
  let doneBytes = 0
  while (doneBytes < open.sizeBytes) {
    const bytesRead = await open.read(buffer, doneBytes)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    doneBytes += bytesRead
    progress?.(doneBytes)
    signal.throwIfAborted()
    const earlyMs = (doneBytes / bytesPerSecond) * 1000 - (performance.now() - startedAt)
    if (earlyMs > 1) await sleep(earlyMs, undefined, { signal })
  }
  return { doneBytes, actual: hash.digest('hex') }
}
