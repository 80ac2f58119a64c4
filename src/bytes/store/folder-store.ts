// A store of files in a folder.
import { access, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder, syncFolder } from '../../lib/folders.ts'
import type { FileStore, OpenFile } from './file-store.ts'
import { openIncoming } from './incoming.ts'

/** Where a store keeps its files, and where those are that have not been verified yet. Both exist as long as the store does. */
export type StoreFolder = { folder: string; incoming: string }

/** A store in a folder: `ab/abcd…`, written to a temporary name, hashed while it streams, fsynced, then renamed. */
export async function openFolderStore(place: StoreFolder): Promise<FileStore> {
  const { folder } = place
  const incoming = await openIncoming(place.incoming)
  const pathOf = (sha256: string) => pathIn(folder, sha256)
  const putFile = async (sha256: string, temporary: string) => {
    const path = pathOf(sha256)
    await makeFolder(dirname(path))
    // When it is stored is now, be it days since the first of its bytes came.
    const now = new Date()
    await utimes(temporary, now, now)
    await rename(temporary, path)
    // The rename itself is on disk only when the folder is.
    await syncFolder(dirname(path))
  }

  return {
    putFile,
    open: (sha256) => openStoredFile(place, sha256),
    size: async (sha256) => (await stat(pathOf(sha256)).catch((error) => undefinedWhenMissing(error, place)))?.size,
    put: (sha256, bytes, maxBytes) => incoming.receive(sha256, bytes, maxBytes, (path) => putFile(sha256, path)),
    list: async function* () {
      for (const first of await readdir(folder)) {
        if (!/^[0-9a-f]{2}$/.test(first)) continue
        for (const sha256 of await readdir(join(folder, first))) {
          const about = await stat(pathOf(sha256)).catch((error) => undefinedWhenMissing(error, place))
          if (about?.isFile()) yield { sha256, sizeBytes: about.size, storedAt: about.mtime }
        }
      }
    },
    remove: async (sha256) => {
      await rm(pathOf(sha256), { force: true })
    },
  }
}

/** A file of a store in a folder, open for reading; undefined when it is not stored. */
export async function openStoredFile(place: StoreFolder, sha256: string): Promise<OpenFile | undefined> {
  const handle = await open(pathIn(place.folder, sha256)).catch((error) => undefinedWhenMissing(error, place))
  if (handle === undefined) return undefined
  const { size, ino, mtimeMs } = await handle.stat()
  return {
    sizeBytes: size,
    generation: `${ino}-${mtimeMs}`,
    read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
    close: () => handle.close(),
    descriptor: handle.fd,
  }
}

function pathIn(folder: string, sha256: string): string {
  return join(folder, sha256.slice(0, 2), sha256)
}

// Of a file system that is not mounted now nothing is gone, and no file is damaged.
async function undefinedWhenMissing(
  error: NodeJS.ErrnoException,
  { folder, incoming }: StoreFolder,
): Promise<undefined> {
  if (error.code !== 'ENOENT') throw error
  await access(incoming).catch((cause) => {
    throw new Error(`the folder of the store is away: ${folder}`, { cause })
  })
}
