import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { ConfigError } from '../../lib/errors.ts'

/** What a server needs to open itself: its database, its files, its listeners, and a few connections. */
const minDescriptors = 256

/** How many descriptors of this process connections may have. */
export type DescriptorShares = { bootConnections: number; adminConnections: number; tftpTransfers: number }

/** Kept for the database, which opens a descriptor for each of its files, for uploads, imports and the log. */
const maxReserve = 512

/**
 * Divides what is left under the limit of open files, so that no client can take what the database needs: out of descriptors, a
 * write to it fails. A boot connection counts twice, for the file that it is sent. Gives what was asked where all of it fits.
 */
export function shareDescriptors(free: number, asked: DescriptorShares): DescriptorShares {
  const usable = free - Math.min(maxReserve, Math.floor(free / 2))
  const share = (count: number, part: number) => Math.max(1, Math.min(count, Math.floor(usable * part)))
  const adminConnections = share(asked.adminConnections, 1 / 8)
  const tftpTransfers = share(asked.tftpTransfers, 1 / 8)
  const left = usable - adminConnections - tftpTransfers
  return {
    bootConnections: Math.max(1, Math.min(asked.bootConnections, Math.floor(left / 2))),
    adminConnections,
    tftpTransfers,
  }
}

/** Descriptors that this process may still open; infinite where the system does not tell (proc(5) is Linux's). */
export async function freeDescriptors(): Promise<number> {
  const open = await readdir('/proc/self/fd').catch(() => [])
  return Math.max(0, findMaxDescriptors() - open.length)
}

function findMaxDescriptors(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** @throws ConfigError when the process may open too few files to serve */
export function requireDescriptors(max = findMaxDescriptors()): void {
  if (max < minDescriptors)
    throw new ConfigError(
      `open files: expected a limit of at least ${minDescriptors}, got ${max}. ` +
        'Next step: ulimit -n 65536 before the start, or LimitNOFILE=65536 in the unit of systemd',
    )
}
