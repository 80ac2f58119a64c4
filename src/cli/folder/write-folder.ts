// Writes an exported folder, and nothing outside it.
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { directories, nameIn } from './layout.ts'
import { parseYaml } from './yaml-file.ts'

/** The number of files that were written, deleted, and left as they were. */
export type Written = { written: number; deleted: number; same: number }

/**
 * Writes the files of a folder. A YAML file that already has the same fields stays, with its comments.
 * @param replace deletes files of things that are not in `files`
 * @throws Error if there are such files without `replace`, or if a link is in the way. Nothing is written then.
 */
export async function writeFolder(folder: string, files: Map<string, string>, replace: boolean): Promise<Written> {
  await mkdir(folder, { recursive: true })
  await refuseLinks(folder, files)
  const stale = (await listThingFiles(folder)).filter((path) => !files.has(path))
  if (stale.length > 0 && !replace) {
    const more = stale.length > 10 ? ` and ${stale.length - 10} more` : ''
    throw new Error(
      `${folder}: expected no files of things that are not on the server, got ${stale.slice(0, 10).join(', ')}${more}. Next step: --replace deletes them`,
    )
  }
  const result: Written = { written: 0, deleted: 0, same: 0 }
  for (const [path, text] of files) {
    const target = join(folder, path)
    const present = await readFile(target).catch(() => undefined)
    // The attributes of git belong to the operator once they exist.
    if (present !== undefined && (path === '.gitattributes' || isSame(path, present, text))) {
      result.same += 1
      continue
    }
    await mkdir(dirname(target), { recursive: true })
    const temporary = join(dirname(target), `.bootwright-${process.pid}.tmp`)
    await writeFile(temporary, text)
    await rename(temporary, target)
    result.written += 1
  }
  for (const path of stale) await rm(join(folder, path))
  return { ...result, deleted: stale.length }
}

function isSame(path: string, present: Buffer, text: string): boolean {
  if (present.equals(Buffer.from(text))) return true
  if (!path.endsWith('.yaml') || path.split('/').length > 2 || path.startsWith(`${directories.recipes}/`)) return false
  const [old, now] = [parseYaml(present.toString('utf8')), parseYaml(text)]
  if (!('data' in old) || !('data' in now)) return false
  // A file of a thing may leave out the name, which is in the name of the file.
  const name = now.data.name === undefined ? {} : { name: now.data.name }
  return isDeepStrictEqual({ ...name, ...old.data }, now.data)
}

/** The files of things that are in the folder now. */
async function listThingFiles(folder: string): Promise<string[]> {
  const found: string[] = []
  const names = async (path: string) => {
    const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(() => [])
    return entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1))
  }
  for (const directory of Object.values(directories))
    for (const entry of await names(directory)) {
      const path = `${directory}/${entry.name}`
      if (!entry.isDirectory() && nameIn(entry.name, '.yaml') !== undefined) found.push(path)
      else if (entry.isDirectory() && nameIn(entry.name, '.files') !== undefined)
        found.push(...(await names(path)).map(({ name }) => `${path}/${name}`))
    }
  return found
}

/** @throws Error for links at the paths that are written or listed: a link could lead out of the folder */
async function refuseLinks(folder: string, files: Map<string, string>): Promise<void> {
  const paths = new Set<string>(Object.values(directories))
  for (const path of files.keys()) for (let at = path; at !== '.'; at = dirname(at)) paths.add(at)
  for (const path of paths) {
    const about = await lstat(join(folder, path)).catch(() => undefined)
    if (about?.isSymbolicLink()) throw new Error(`${join(folder, path)}: expected a file or a folder, got a link`)
  }
}
