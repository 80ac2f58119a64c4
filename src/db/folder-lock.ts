// Locks a data folder for one process.

import { open } from 'node:fs/promises'
import koffi from 'koffi'
import { ConfigError } from '../lib/errors.ts'
import { makeFolder } from '../lib/folders.ts'

// flock(2): exclusive, without waiting.
const exclusive = 2 | 4

/**
 * Locks a data folder for this process until `release`: two processes that write one embedded database destroy it. The
 * system gives the lock back when the process ends, however it ends. Without flock(2) nothing is held, and the admin
 * socket is the only guard.
 * @throws ConfigError when another process holds it
 */
export async function lockFolder(folder: string, lockFile: string): Promise<{ release: () => Promise<void> }> {
  await makeFolder(folder)
  const flock = loadFlock()
  if (flock === undefined) return { release: async () => {} }
  // The file stays. If it were removed, two processes could lock two files of the same name.
  const file = await open(lockFile, 'a', 0o600)
  if (flock(file.fd, exclusive) !== 0) {
    await file.close()
    throw new ConfigError(`BOOTWRIGHT_DATA_DIR: another server is already using ${folder}`)
  }
  return { release: () => file.close() }
}

function loadFlock(): ((file: number, operation: number) => number) | undefined {
  if (process.platform === 'win32') return undefined
  try {
    return koffi.load(null).func('int flock(int fd, int operation)')
  } catch {
    return undefined
  }
}
