// Whether a disk has room for what is about to be written to it.
import { statfs } from 'node:fs/promises'
import { DiskFullError } from '../../lib/errors.ts'

/** A folder of the disk that is written to, and what to call it in messages. */
export type Disk = { folder: string; name: string }

// Room that is left to the database, which may be on the same disk: this, or a twentieth of a small disk.
const maxReserveBytes = 64 * 2 ** 20

/** How many bytes may still be written to the disk of a folder, some room left for others. */
async function roomIn(folder: string): Promise<number> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return bavail * bsize - Math.min(maxReserveBytes, (blocks * bsize) / 20)
}

/** @throws DiskFullError when the disk has no room for this many more bytes */
export async function requireRoom(disk: Disk, bytes: number): Promise<void> {
  const room = await roomIn(disk.folder)
  if (room < bytes) throw diskFull(disk, bytes, room)
}

/** Turns the ENOSPC or EDQUOT of a write (write(2)) into an error that says what was needed, and throws it on. */
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
