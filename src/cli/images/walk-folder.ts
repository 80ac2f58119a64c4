// The files of a folder on this computer.
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Entry } from '../../intake/discs/layouts.ts'
import type { CliDeps } from '../shell/deps.ts'

const maxFiles = 200_000
const maxDepth = 64

/**
 * Lists the files of a folder on this computer, sorted by path. Links are followed, but no path enters a folder twice.
 * `leftOut` has the entries that are not files and the links that were not followed, each with the reason.
 * @throws Error for the operator: the folder cannot be read, or has too many files
 */
export async function walkFolder(folder: string): Promise<{ entries: Entry[]; leftOut: string[] }> {
  const entries: Entry[] = []
  const leftOut: string[] = []
  const root = await realpath(folder)
  const enter = async (below: string, parents: string[], linked: boolean): Promise<void> => {
    const found = await readdir(join(folder, below), { withFileTypes: true })
    for (const item of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = below === '' ? item.name : `${below}/${item.name}`
      const isLink = item.isSymbolicLink()
      const about = await stat(join(folder, path)).catch((error: NodeJS.ErrnoException) => error)
      if (about instanceof Error) {
        if (!isLink) throw about
        entries.push({
          path,
          sizeBytes: 0,
          fault: `a link that leads ${about.code === 'ELOOP' ? 'to itself' : 'to nothing'}`,
        })
      } else if (!about.isDirectory()) {
        const entry = { path, sizeBytes: about.isFile() ? about.size : 0 }
        const real = linked || isLink ? relative(root, await realpath(join(folder, path))) : path
        const fault = about.isFile() ? undefined : 'a device, a pipe or a socket'
        entries.push({ ...entry, ...(real !== path && { real }), ...(fault !== undefined && { fault }) })
      } else {
        const real = await realpath(join(folder, path))
        if (parents.includes(real)) leftOut.push(`${path}: a link to a folder that it is in`)
        else if (parents.length > maxDepth)
          throw new Error(`${join(folder, path)}: expected at most ${maxDepth} nested folders`)
        else await enter(path, [...parents, real], linked || isLink)
      }
      if (entries.length > maxFiles) throw new Error(`${folder}: expected at most ${maxFiles} files`)
    }
  }
  await enter('', [root], false)
  const faults = entries.flatMap(({ path, fault }) => (fault === undefined ? [] : [`${path}: ${fault}`]))
  return { entries, leftOut: [...leftOut, ...faults] }
}

/** Prints the entries of a folder that are left out. */
export function printLeftOut({ err }: Pick<CliDeps, 'err'>, folder: string, leftOut: string[]): void {
  for (const line of leftOut.slice(0, maxLines)) err(`${folder}: left out ${line}\n`)
  if (leftOut.length > maxLines) err(`${folder}: left out ${leftOut.length - maxLines} more\n`)
}

const maxLines = 20
