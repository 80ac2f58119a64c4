import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { dataFolder, type FilesFolder } from '../../src/config/data-folder.ts'
import { startServerProcess } from '../helpers/server-process.ts'

const source = new URL('../../src/config/data-folder.ts', import.meta.url)

/** The names in the tree that the comment of data-folder.ts draws; folders end in a slash. */
async function drawnNames(): Promise<string[]> {
  const lines = (await readFile(source, 'utf8')).split('\n')
  return lines.flatMap((line) => /^ \* {3}([a-z][\w./-]*) {2,}\S/.exec(line)?.[1] ?? [])
}

/** The names that the functions of data-folder.ts give. */
function givenNames(): string[] {
  const { folder, files, ...paths } = dataFolder('/data')
  const all = [...Object.values(paths), ...Object.values(files satisfies FilesFolder)]
  return all.map((path) => relative(folder, path))
}

/** What lies in a data folder, the contents of the database and of `ab/` folders of files left out. */
async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)) + (entry.isDirectory() ? '/' : ''))
    .filter((name) => !/^database\/./.test(name) && !/^files\/[0-9a-f]{2}\//.test(name))
}

test('the tree in the comment names exactly the paths that the functions give', async () => {
  const drawn = (await drawnNames()).map((name) => name.replace(/\/$/, ''))
  // db/embedded/database-folder.ts makes `database.new` from the path of the database, and server/data/roster-file.ts `roster.new`.
  expect(drawn.filter((name) => !/^(database|roster)\.new$/.test(name)).sort()).toEqual(givenNames().sort())
})

test('a server leaves nothing in its data folder that the tree does not name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-layout-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(dataFolder(folder).recipes)
  const server = await startServerProcess(folder, {
    BOOTWRIGHT_FILE_WORKERS: '1',
    BOOTWRIGHT_FILE_LISTEN: '127.0.0.1:0',
  })
  onTestFinished(async () => void (await server.stop()))
  const drawn = await drawnNames()
  const found = await namesIn(folder)
  expect(found.filter((name) => !drawn.includes(name))).toEqual([])
  // The rest of the tree: a first start is over, and there is no object store.
  const missing = drawn.filter((name) => !found.includes(name))
  expect(missing.filter((name) => !name.startsWith('roster')).sort()).toEqual([
    'database.new/',
    'files/uploading/',
    'proxy-dhcp.json',
  ])
}, 240_000)
