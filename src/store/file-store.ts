import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InputError } from '../errors.ts'

/** Image files, each named by the sha256 of its bytes. */
export type FileStore = {
  /** A file open for reading, and its size in bytes; undefined when it is not stored. The caller closes the handle. */
  open: (sha256: string) => Promise<{ handle: FileHandle; sizeBytes: number } | undefined>
  /** The file's size in bytes; undefined when it is not stored. */
  size: (sha256: string) => Promise<number | undefined>
  /**
   * Stores a stream of bytes under their hash; nothing is left behind when it fails.
   * @throws InputError when the bytes have another hash, or are more than `maxBytes`
   */
  put: (sha256: string, bytes: AsyncIterable<Uint8Array>, maxBytes: number) => Promise<{ sizeBytes: number }>
}

/** A store in a folder: `ab/abcd…`, written to a temporary name, hashed while it streams, fsynced, then renamed. */
export async function openFileStore(folder: string): Promise<FileStore> {
  const incoming = join(folder, 'incoming')
  await mkdir(incoming, { recursive: true, mode: 0o700 })
  // What a killed upload left: no other process writes here.
  for (const name of await readdir(incoming)) await rm(join(incoming, name), { force: true })

  const pathOf = (sha256: string) => join(folder, sha256.slice(0, 2), sha256)
  let uploads = 0

  return {
    open: async (sha256) => {
      const handle = await open(pathOf(sha256)).catch(undefinedWhenMissing)
      if (handle === undefined) return undefined
      return { handle, sizeBytes: (await handle.stat()).size }
    },
    size: async (sha256) => (await stat(pathOf(sha256)).catch(undefinedWhenMissing))?.size,
    put: async (sha256, bytes, maxBytes) => {
      const temporary = join(incoming, `${process.pid}-${uploads++}`)
      try {
        const { sizeBytes, actual } = await writeHashed(temporary, bytes, maxBytes)
        if (actual !== sha256)
          throw new InputError({
            field: 'sha256',
            value: sha256,
            expected: `${actual}, the hash of the ${sizeBytes} bytes received`,
          })
        const path = pathOf(sha256)
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        await rename(temporary, path)
        await syncFolder(dirname(path))
        return { sizeBytes }
      } finally {
        await rm(temporary, { force: true })
      }
    },
  }
}

async function writeHashed(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<{ sizeBytes: number; actual: string }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const handle = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of bytes) {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes)
        throw new InputError({
          field: 'body',
          value: `more than ${maxBytes} bytes`,
          expected: `at most ${maxBytes} bytes`,
        })
      hash.update(chunk)
      await writeAll(handle, chunk)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { sizeBytes, actual: hash.digest('hex') }
}

// A write may be short (a full disk, a signal): write(2).
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done)
    done += bytesWritten
  }
}

// The rename itself is on disk only when the folder is (fsync(2)).
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  await handle.sync().finally(() => handle.close())
}

function undefinedWhenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
