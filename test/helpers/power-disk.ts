import { execFile, execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A disk image with ext4 whose power can be cut. It needs Linux and root. */
export type PowerDisk = {
  /** The mount point. */
  folder: string
  /**
   * Pauses the processes, copies the disk image, and resumes them. Data that the kernel has only in memory is missing in the
   * copy, as on a disk after a power cut. Returns the mounted copy, whose journal is replayed.
   */
  cut: (pids: number[]) => Promise<{ folder: string; remove: () => Promise<void> }>
  remove: () => Promise<void>
}

export const canMount = process.platform === 'linux' && process.getuid?.() === 0

export async function openPowerDisk(megabytes: number): Promise<PowerDisk> {
  const base = await mkdtemp(join(tmpdir(), 'bootwright-power-'))
  const image = join(base, 'disk')
  const folder = join(base, 'mounted')
  await writeFile(image, '')
  await truncate(image, megabytes * 2 ** 20)
  execFileSync('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0,nodiscard', image])
  await mkdir(folder)
  // By default, the kernel commits its journal every 5 s. With a longer interval, each cut loses as much as possible.
  execFileSync('mount', ['-o', 'loop,commit=600', image, folder])
  let cuts = 0
  return {
    folder,
    cut: async (pids) => {
      const copy = join(base, `cut-${cuts}`)
      const mounted = join(base, `after-${cuts++}`)
      for (const pid of pids) process.kill(pid, 'SIGSTOP')
      // A sparse copy is faster.
      await promisify(execFile)('cp', ['--sparse=auto', image, copy]).finally(() => {
        for (const pid of pids) process.kill(pid, 'SIGCONT')
      })
      await mkdir(mounted)
      execFileSync('mount', ['-o', 'loop', copy, mounted])
      return {
        folder: mounted,
        remove: async () => {
          execFileSync('umount', [mounted])
          await rm(copy)
        },
      }
    },
    remove: async () => {
      execFileSync('umount', [folder])
      await rm(base, { recursive: true })
    },
  }
}
