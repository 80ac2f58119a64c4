// The folder in which a store writes and verifies files before it takes them.
import { createHash } from 'node:crypto'
import { type FileHandle, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../../lib/errors.ts'
import { makeFolder } from '../../lib/folders.ts'

/** Receives the bytes of new files. */
export type Incoming = {
  /**
   * Writes a stream to a temporary file. Once the file is complete and flushed to disk, calls `take` with its path. The
   * temporary file is always removed afterwards.
   * @throws InputError if the bytes have another hash, or are more than `maxBytes`
   */
  receive: (
    sha256: string,
    bytes: AsyncIterable<Uint8Array>,
    maxBytes: number,
    take: (path: string) => Promise<void>,
  ) => Promise<{ sizeBytes: number }>
}

/** Opens the folder and removes the files of killed uploads. No other process writes here. */
export async function openIncoming(folder: string): Promise<Incoming> {
  await makeFolder(folder)
  for (const name of await readdir(folder)) await rm(join(folder, name), { force: true })
  let uploads = 0
  return {
    receive: async (sha256, bytes, maxBytes, take) => {
      const path = join(folder, `${process.pid}-${uploads++}`)
      try {
        const { sizeBytes, actual } = await writeHashed(path, bytes, maxBytes)
        if (actual !== sha256)
          throw new InputError({
            field: 'sha256',
            value: sha256,
            expected: `${actual}, the hash of the ${sizeBytes} bytes received`,
          })
        await take(path)
        return { sizeBytes }
      } finally {
        await rm(path, { force: true })
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
