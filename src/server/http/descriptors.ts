// File descriptors: how many this process may open, and how many of them connections may use.
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { ConfigError } from '../../lib/errors.ts'

/** The descriptors for the server's database, its files, its listeners and a few connections. */
const minDescriptors = 256

/** The maximum of connections of each kind. */
export type DescriptorShares = { bootConnections: number; adminConnections: number; tftpTransfers: number }

/** Reserved for the database, which opens a descriptor for each of its files, and for uploads, imports and the log. */
const maxReserve = 512

/**
 * Divides the free descriptors, so that clients cannot use those that the database needs: without a descriptor, a write
 * to the database fails. A boot connection counts twice, because it may be sending a file. If all of `asked` fits,
 * returns it unchanged.
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

/** The descriptors that this process may still open; infinite on systems without proc(5), which only Linux has. */
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

/** @throws ConfigError if the limit of open files is too low for a server */
export function requireDescriptors(max = findMaxDescriptors()): void {
  if (max < minDescriptors)
    throw new ConfigError(
      `open files: expected a limit of at least ${minDescriptors}, got ${max}. ` +
        'Next step: ulimit -n 65536 before the start, or LimitNOFILE=65536 in the systemd unit',
    )
}
