import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { dataFolder } from '../../src/config/data-folder.ts'
import { openEmbedded } from '../../src/db/open-embedded.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { ConfigError } from '../../src/lib/errors.ts'
import { putTestDatabase } from '../helpers/database.ts'
import { canMount } from '../helpers/power-disk.ts'

let base: string
let dataDir: string
let folder: string
let tokensFile: string
// The first start of PostgreSQL takes seconds, and longer on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'bootwright-broken-'))
  putTestDatabase(join(base, 'whole'))
  const { db, close } = await openEmbedded(join(base, 'whole', 'database'))
  await db.execute(sql`insert into tokens (id, name, hash) values (gen_random_uuid(), 'ci', 'x')`)
  await db.execute(sql`vacuum analyze`)
  const [row] = rowsOf<{ path: string }>(await db.execute(sql`select pg_relation_filepath('tokens') as path`))
  tokensFile = row?.path as string
  await close()
})
beforeEach(() => {
  dataDir = join(base, 'data')
  folder = join(dataDir, 'database')
  cpSync(join(base, 'whole'), dataDir, { recursive: true })
})
afterEach(() => rm(dataDir, { recursive: true }))
afterAll(() => rm(base, { recursive: true }))

const refusal = async () => {
  const { secretKey, serverId } = dataFolder(dataDir)
  const error = await openEmbedded(folder, { traces: [secretKey, serverId] }).then(
    ({ close }) => close().then(() => undefined),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConfigError)
  return (error as ConfigError).message
}
const remove = (part: string) => rmSync(join(folder, part), { recursive: true })

test.each(['PG_VERSION', 'global/pg_control', 'base/5', 'pg_wal', 'pg_xact', 'postgresql.conf'])(
  'a database without its %s is refused and named, and nothing new is written over it',
  async (part) => {
    remove(part)
    const before = readdirSync(folder, { recursive: true }).length
    const message = await refusal()
    expect(message).toContain(`the database in ${folder} is damaged: ${part} is missing`)
    expect(message).toContain(`Next step: restore ${folder} from its backup`)
    expect(readdirSync(folder, { recursive: true })).toHaveLength(before)
  },
)

test('a database of another release is refused', async () => {
  writeFileSync(join(folder, 'PG_VERSION'), '15\n')
  expect(await refusal()).toContain(`${folder}/PG_VERSION: expected 18, got "15"`)
})

test.each([
  ['its control file is cut', () => truncateSync(join(folder, 'global/pg_control'), 100), /pg_control/],
  [
    'its log is lost',
    () => {
      for (const name of readdirSync(join(folder, 'pg_wal'))) if (/^[0-9A-F]{24}$/.test(name)) remove(`pg_wal/${name}`)
    },
    /could not locate a valid checkpoint record/,
  ],
  ['a table has no file', () => remove(tokensFile), /base\/5\/\d+/],
  [
    'the file of a table is cut',
    () => truncateSync(join(folder, tokensFile), 0),
    /\(tokens\): the file is missing or too short/,
  ],
  [
    'the catalog is junk',
    () => writeFileSync(join(folder, 'base/5/1259'), Buffer.alloc(8192 * 15, 7)),
    /page|block|relation/,
  ],
] as const)('a corrupted database (%s) is refused with the message of PostgreSQL', async (_, damage, text) => {
  damage()
  const message = await refusal()
  expect(message).toContain(`the database in ${folder} cannot be opened: `)
  expect(message).toMatch(text)
  expect(message).toContain(`Next step: restore ${folder} from its backup`)
})

test('an empty lock left by a power cut does not stop the start', async () => {
  writeFileSync(join(folder, 'postmaster.pid'), '')
  const { close } = await openEmbedded(folder)
  await close()
})

test('a file at the path of the database folder is refused', async () => {
  rmSync(folder, { recursive: true })
  writeFileSync(folder, 'no folder')
  expect(await refusal()).toContain(`cannot open the database in ${folder}: expected a folder, got a file`)
})

test('a used folder gets a new database only on request, and an interrupted creation starts again', async () => {
  rmSync(folder, { recursive: true })
  writeFileSync(join(dataDir, 'secret.key'), '0'.repeat(64))
  const message = await refusal()
  expect(message).toContain(`${folder} contains no database, but ${dataDir}/secret.key shows that it once did`)
  expect(message).toContain('BOOTWRIGHT_NEW_DATABASE=yes')
  // An empty folder, as before a disk is mounted, counts as missing too.
  mkdirSync(folder)
  expect(await refusal()).toContain('contains no database')
  mkdirSync(`${folder}.new`)
  writeFileSync(join(`${folder}.new`, 'PG_VERSION'), '18\n')
  const { close } = await openEmbedded(folder, { mayBeNew: true })
  await close()
  expect(existsSync(`${folder}.new`)).toBe(false)
  expect(statSync(join(folder, 'PG_VERSION')).isFile()).toBe(true)
})

test.runIf(canMount)('the error of a first start on a small disk names the full disk', async () => {
  const small = join(base, 'small')
  mkdirSync(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', small])
  try {
    await expect(openEmbedded(join(small, 'database'))).rejects.toThrow(
      `cannot create a database in ${small}/database: No space left on device. Next step: use a disk with 200 MB free`,
    )
    expect(existsSync(join(small, 'database'))).toBe(false)
  } finally {
    execFileSync('umount', [small])
  }
})

test.runIf(canMount)('a database on a read-only disk is refused', async () => {
  execFileSync('mount', ['--bind', dataDir, dataDir])
  try {
    execFileSync('mount', ['-o', 'remount,bind,ro', dataDir])
    expect(await refusal()).toContain(`cannot read and write ${folder}: the file system is read-only`)
  } finally {
    execFileSync('umount', [dataDir])
  }
})
