// The files of a folder on this computer: read within limits, and never outside the folder.
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { messageOf } from '../../lib/errors.ts'
import { decodeText } from '../shell/json-file.ts'

/** The limits of a folder: of one file, of all files together, and of their number. */
export const maxFileBytes = 4 * 2 ** 20
const maxFolderBytes = 16 * 2 ** 20
const maxFiles = 20_000

/** A fault of a folder: the path below it, and the line if there is one. */
export type FolderFault = { path: string; line?: number | undefined; message: string }

/** Reads the files of a folder. Each reading gives undefined after a fault, which is in `faults` then. */
export type FolderFiles = {
  /** The names in a directory without those that begin with a dot, sorted; none if it does not exist. */
  list: (path: string) => Promise<{ name: string; isDirectory: boolean }[]>
  /** The text of a file in UTF-8, without a byte order mark. */
  read: (path: string) => Promise<string | undefined>
  refuse: (fault: FolderFault) => void
  faults: FolderFault[]
}

/** Opens a folder for reading. @throws Error if it is not a folder */
export async function openFolder(folder: string): Promise<FolderFiles> {
  const root = await realpath(folder).catch((error: unknown) => {
    throw new Error(`${folder}: ${messageOf(error)}`)
  })
  if (!(await stat(root)).isDirectory()) throw new Error(`${folder}: expected a folder`)
  const faults: FolderFault[] = []
  const refuse = (fault: FolderFault) => void faults.push(fault)
  let bytes = 0
  let files = 0

  /** The real path; undefined for a missing file, and for a link that leads out of the folder. */
  const inside = async (path: string): Promise<string | undefined> => {
    const real = await realpath(join(root, path)).catch((error: unknown) => {
      refuse({ path, message: messageOf(error) })
      return undefined
    })
    if (real === undefined) return undefined
    const below = relative(root, real)
    if (below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below)) return real
    refuse({ path, message: 'expected a file in the folder, got a link that leads out of it' })
    return undefined
  }

  return {
    faults,
    refuse,
    list: async (path) => {
      const real = await inside(path)
      if (real === undefined) return []
      const entries = await readdir(real, { withFileTypes: true }).catch((error: unknown) => {
        refuse({ path, message: messageOf(error) })
        return []
      })
      const names = entries.map(({ name }) => name).filter((name) => !name.startsWith('.'))
      files += names.length
      if (files > maxFiles) throw new Error(`${folder}: expected at most ${maxFiles} files`)
      const found = []
      for (const name of names.sort()) {
        const target = await inside(join(path, name))
        if (target === undefined) continue
        found.push({ name, isDirectory: (await stat(target)).isDirectory() })
      }
      return found
    },
    read: async (path) => {
      const real = await inside(path)
      if (real === undefined) return undefined
      const about = await stat(real)
      const fault = (message: string) => void refuse({ path, message })
      if (!about.isFile()) return fault('expected a file')
      if (about.size > maxFileBytes) return fault(`expected at most ${maxFileBytes} bytes, got ${about.size}`)
      bytes += about.size
      if (bytes > maxFolderBytes) throw new Error(`${folder}: expected at most ${maxFolderBytes} bytes in all files`)
      try {
        return decodeText(await readFile(real), path)
      } catch (error) {
        return fault(messageOf(error).replace(`${path}: `, ''))
      }
    },
  }
}
