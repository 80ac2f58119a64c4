import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InputError } from '../errors.ts'
import type { FileStore } from './file-store.ts'

/** A store in a folder: `ab/abcd…`, written to a temporary name, hashed while it streams, fsynced, then renamed. */
export async function openFolderStore(folder: string): Promise<FileStore> {
  const incoming = join(folder, 'incoming')
  await mkdir(incoming, { recursive: true, mode: 0o700 })
  // What a killed upload left: no other process writes here.
  for (const name of await readdir(incoming)) await rm(join(incoming, name), { force: true })

  const pathOf = (sha256: string) => join(folder, sha256.slice(0, 2), sha256)
  let uploads = 0
  const adopt = async (sha256: string, temporary: string) => {
    const path = pathOf(sha256)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await rename(temporary, path)
    await syncFolder(dirname(path))
  }

  return {
    adopt,
    open: async (sha256) => {
      const handle = await open(pathOf(sha256)).catch(undefinedWhenMissing)
      if (handle === undefined) return undefined
      return {
        sizeBytes: (await handle.stat()).size,
        read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
        close: () => handle.close(),
      }
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
        await adopt(sha256, temporary)
        return { sizeBytes }
      } finally {
        await rm(temporary, { force: true })
      }
    },
    list: async function* () {
      for (const first of await readdir(folder)) {
        if (!/^[0-9a-f]{2}$/.test(first)) continue
        for (const sha256 of await readdir(join(folder, first))) {
          const about = await stat(pathOf(sha256)).catch(undefinedWhenMissing)
          if (about?.isFile()) yield { sha256, sizeBytes: about.size, storedAt: about.mtime }
        }
      }
    },
    remove: async (sha256) => {
      await rm(pathOf(sha256), { force: true })
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
