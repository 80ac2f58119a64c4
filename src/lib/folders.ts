// Folders and files that survive a power cut.
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes a folder and its missing parents, for this user only, and syncs them to the disk. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Syncs the entries of a folder to the disk after files in it were made, renamed or removed (fsync(2)). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  await handle.sync().finally(() => handle.close())
}

/**
 * Makes a file with this text unless it exists. Other processes see a complete file or no file, even after a power cut.
 * If two processes make the file at the same time, the first one wins. An existing file stays unchanged.
 */
export async function makeFileOnce(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  const handle = await open(draft, 'wx', mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
    await handle.close()
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await handle.close().catch(() => {})
    await rm(draft, { force: true })
  }
  await syncFolder(dirname(path))
}
