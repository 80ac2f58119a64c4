import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes a folder and those above it, only for us; they are still there after a power cut. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** Puts the names in a folder on the disk: files made in it, renamed or removed (fsync(2)). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  await handle.sync().finally(() => handle.close())
}

/**
 * Makes a file with this text unless there is one: whole or not at all, also for another process that looks or makes it in the same
 * moment, and after a power cut. What is there stays.
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
