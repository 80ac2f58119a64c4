// The file store in a folder.
import { access, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder, syncFolder } from '../../lib/folders.ts'
import type { FileStore, OpenFile } from './file-store.ts'
import { openIncoming } from './incoming.ts'

/** The folder of the stored files, and the folder of files not verified yet. Both exist as long as the store does. */
export type StoreFolder = { folder: string; incoming: string }

/** A store in a folder, as `ab/abcd…`. Each file is written under a temporary name, hashed, fsynced, then renamed. */
export async function openFolderStore(place: StoreFolder): Promise<FileStore> {
  const { folder } = place
  const incoming = await openIncoming(place.incoming)
  const pathOf = (sha256: string) => pathIn(folder, sha256)
  const putFile = async (sha256: string, temporary: string) => {
    const path = pathOf(sha256)
    await makeFolder(dirname(path))
    // The file is stored now, even if its first bytes arrived days ago.
    const now = new Date()
    await utimes(temporary, now, now)
    await rename(temporary, path)
    // The rename is durable only after the folder is flushed to disk.
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

/** Opens a file of a store in a folder for reading; undefined if it is not stored. */
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

// If the file system is not mounted, its files are neither missing nor damaged.
async function undefinedWhenMissing(
  error: NodeJS.ErrnoException,
  { folder, incoming }: StoreFolder,
): Promise<undefined> {
  if (error.code !== 'ENOENT') throw error
  await access(incoming).catch((cause) => {
    throw new Error(`the folder of the file store is missing: ${folder}. Is its file system mounted?`, { cause })
  })
}
