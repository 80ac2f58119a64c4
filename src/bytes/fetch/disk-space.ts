// Free space on a disk, checked before bytes are written to it.
import { statfs } from 'node:fs/promises'
import { DiskFullError } from '../../lib/errors.ts'

/** A folder on the disk, and the name of that folder in messages. */
export type Disk = { folder: string; name: string }

// Space reserved for the database, which may be on the same disk: this much, or 5% of a small disk.
const maxReserveBytes = 64 * 2 ** 20

/** The number of bytes that may still be written to the disk of a folder, without the reserve. */
async function roomIn(folder: string): Promise<number> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return bavail * bsize - Math.min(maxReserveBytes, (blocks * bsize) / 20)
}

/** @throws DiskFullError if the disk has no room for this many more bytes */
export async function requireRoom(disk: Disk, bytes: number): Promise<void> {
  const room = await roomIn(disk.folder)
  if (room < bytes) throw diskFull(disk, bytes, room)
}

/** Rethrows the error of a write. ENOSPC and EDQUOT (write(2)) become a DiskFullError that states the space needed. */
export async function explainFullDisk(error: unknown, disk: Disk, bytes: number): Promise<never> {
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof DiskFullError || (code !== 'ENOSPC' && code !== 'EDQUOT')) throw error
  throw diskFull(disk, bytes, await roomIn(disk.folder))
}

function diskFull({ name }: Disk, needed: number, room: number): DiskFullError {
  return new DiskFullError(
    `the disk of ${name} is full: ${needed} more bytes are needed, ${Math.max(0, Math.floor(room))} are free`,
  )
}
