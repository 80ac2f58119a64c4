// Provides a local path for a stored file, also from an object store.
import type { PartialFile } from '../../bytes/fetch/partial-file.ts'
import type { FetchedFile, Intake, Job } from '../intake.ts'

/**
 * Provides a path by which a program can read a file. It is the path of a partial file, the descriptor of an open local file
 * (proc(5)), or else the path of a copy.
 */
export async function withPath<T>(
  { store, partials }: Intake,
  { id, signal, report }: Job,
  file: FetchedFile,
  partial: PartialFile | undefined,
  use: (path: string) => Promise<T>,
): Promise<T> {
  if (partial !== undefined) return use(partial.path)
  const open = await store.open(file.sha256)
  if (open === undefined) throw new Error(`file ${file.sha256} is not in the store any longer`)
  const key = `import-${id}-copy`
  try {
    if (open.descriptor !== undefined && process.platform === 'linux')
      return await use(`/proc/${process.pid}/fd/${open.descriptor}`)
    const copy = await partials.open(key, { signal, totalBytes: file.sizeBytes })
    try {
      await copy.truncate(0)
      await copy.requireRoom(file.sizeBytes)
      const buffer = Buffer.allocUnsafe(2 ** 20)
      for (let bytesRead = 1; bytesRead > 0; ) {
        signal.throwIfAborted()
        bytesRead = await open.read(buffer, copy.sizeBytes())
        await copy.append(buffer.subarray(0, bytesRead))
        report({ doing: `copying ${file.name}`, doneBytes: copy.sizeBytes(), totalBytes: file.sizeBytes })
      }
      return await use(copy.path)
    } finally {
      await partials.remove(key)
      await copy.close()
    }
  } finally {
    await open.close()
  }
}
