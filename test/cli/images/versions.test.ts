import { truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatEndOfLife } from '../../../src/cli/shell/format.ts'
import { sha256 } from '../../helpers/boot-server.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
const run = (...argv: string[]) => operator.run(...argv)
const kernels = ['one', 'number two', 'three']

beforeAll(async () => {
  operator = await startOperator()
  for (const [n, text] of kernels.entries()) {
    const path = join(operator.folder, `vmlinuz-${n + 1}`)
    await writeFile(path, text)
    const added = await run('image', 'add', 'debian', '--kernel', path, ...(n === 2 ? ['--arg', 'quiet'] : []))
    expect(added.exitCode).toBe(0)
  }
})
afterAll(() => operator.stop())

const pathOf = (text: string) => {
  const hash = sha256(Buffer.from(text))
  return join(operator.boot.folder, hash.slice(0, 2), hash)
}

test('versions are listed with the target of a rollback, compared, promoted and rolled back', async () => {
  const listed = await run('image', 'versions', 'debian')
  expect(listed.out.split('\n').map((line) => line.replace(/ {2,}.*? {2,}/, ' ').slice(0, 12))).toHaveLength(5)
  expect(listed.out).toMatch(
    /^VERSION +CURRENT +VARIANTS +SOURCE +CREATED\n3 +yes .*\n2 +after a rollback .*\n1 +x86_64 any/,
  )
  expect((await run('image', 'diff', 'debian')).out).toBe(
    `${[
      'version 2 -> 3',
      'x86_64 any platform: changed',
      `  - kernel vmlinuz-2  10 B  ${sha256(Buffer.from('number two')).slice(0, 12)}`,
      `  + kernel vmlinuz-3  5 B  ${sha256(Buffer.from('three')).slice(0, 12)}`,
      '  + arg quiet',
    ].join('\n')}\n`,
  )
  expect((await run('image', 'diff', 'debian', '2', '2')).out).toBe('versions 2 and 2 are equal\n')
  expect((await run('image', 'rollback', 'debian')).out).toBe('machines boot debian version 2 from now on\n')
  expect((await run('image', 'rollback', 'debian')).out).toBe('machines boot debian version 1 from now on\n')
  expect(await run('image', 'rollback', 'debian')).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('image debian has no version to roll back to'),
  })
  expect((await run('image', 'promote', 'debian', '3')).out).toBe('machines boot debian version 3 from now on\n')
  expect((await run('image', 'promote', 'debian', '9')).err).toContain('version: expected one of 3, 2, 1, got "9"')
  expect((await run('image', 'promote', 'debian', 'x')).err).toContain('Expected a version number. Example: 2')
  expect((await run('image', 'delete', 'debian', '3')).err).toContain(
    'version 3 of image debian is the current version. Next step: bootwright image promote debian VERSION',
  )
  expect((await run('image', 'delete', 'debian', '2')).err).toBe('version 2 of image debian deleted\n')
})

test('the end-of-life date is in list and show, and can be removed', async () => {
  await run('image', 'set', 'debian', '--end-of-life', '2020-06-10')
  expect((await run('image', 'list')).out).toMatch(/END OF LIFE\ndebian .* reached end of life on 2020-06-10\n/)
  expect((await run('image', 'show', 'debian')).out).toContain('end of life  reached end of life on 2020-06-10\n')
  await run('image', 'set', 'debian', '--end-of-life', 'none', '--title', 'Debian')
  expect((await run('image', 'show', 'debian')).out).not.toContain('end of life')
  expect((await run('image', 'set', 'debian')).err).toContain(
    'expected one of --title, --end-of-life, --installer and --no-installer',
  )
  expect((await run('image', 'set', 'debian', '--end-of-life', 'soon')).err).toContain('Expected YYYY-MM-DD, or none.')
  expect((await run('image', 'set', 'debian', '--end-of-life', '2020-13-10')).err).toContain(
    'endOfLife: expected a day',
  )
})

test('image set marks an image as an installer or not, in show and in the audit log', async () => {
  await run('image', 'set', 'debian', '--installer')
  expect((await run('image', 'show', 'debian')).out).toContain('installer  yes\n')
  await run('image', 'set', 'debian', '--no-installer')
  expect((await run('image', 'show', 'debian')).out).toContain('installer  no\n')
})

test.each([
  [undefined, ''],
  ['2026-11-23', 'reached end of life on 2026-11-23'],
  ['2026-11-24', 'ends 2026-11-24 (today)'],
  ['2026-11-25', 'ends 2026-11-25 (in 1 day)'],
  ['2027-01-31', 'ends 2027-01-31 (in 68 days)'],
])('an end of life of %s is formatted on 2026-11-24', (day, text) => {
  expect(formatEndOfLife(day, '2026-11-24')).toBe(text)
})

test('files are verified and listed, and a damaged file fails the command', async () => {
  expect((await run('image', 'verify')).out).toBe('2 files, 8 B: nothing is damaged\n')
  await writeFile(pathOf('three'), 'thr33')
  const result = await run('image', 'verify', 'debian')
  expect(result.exitCode).toBe(1)
  expect(result.out).toMatch(/^FILE +SIZE +SHA256 +DAMAGE\nvmlinuz-3 +5 B +[0-9a-f]{64} +its sha256 is [0-9a-f]{64}\n$/)
  expect(result.err).toContain('damaged: 1 of 2 files; upload them again')
  const listed = await run('file', 'list', '--damaged')
  expect(listed.out.trim().split('\n')).toHaveLength(2)
  await writeFile(pathOf('three'), 'three')
  expect((await run('file', 'verify', sha256(Buffer.from('three')))).out).toBe('1 file, 5 B: nothing is damaged\n')
  const json = JSON.parse((await run('file', 'verify', '--json')).out)
  expect(json).toMatchObject({ checked: 3, damaged: 0, items: [{ kind: 'checked' }, {}, {}] })
  expect((await run('image', 'verify', 'nope')).err).toContain('there is no image nope')
  expect((await run('file', 'verify', 'abc')).err).toContain('Expected a sha256')
})

test('another upload repairs a damaged file', async () => {
  await truncate(pathOf('three'), 1)
  await run('file', 'verify')
  const added = await run('image', 'add', 'debian', '--kernel', join(operator.folder, 'vmlinuz-3'), '--arg', 'quiet')
  expect(added.err).toContain('uploaded')
  expect((await run('file', 'list', '--damaged')).out.trim().split('\n')).toHaveLength(1)
})

test('file gc lists unused files, and deletes them with --yes', async () => {
  const then = new Date(Date.now() - 48 * 3_600_000)
  await utimes(pathOf('number two'), then, then)
  expect(await run('file', 'gc')).toMatchObject({
    exitCode: 0,
    out: 'nothing to delete\n',
    err: 'nothing is deleted yet; --yes deletes 0 files, 0 B\n',
  })
  await operator.boot.deps.db.execute(sql`update files set created_at = now() - interval '2 days'`)
  const dry = await run('file', 'gc')
  expect(dry.out).toMatch(/^FILE +SIZE +SHA256 +REASON\nvmlinuz-2 +10 B +[0-9a-f]{64} +not referred to\n$/)
  expect(dry.err).toBe('nothing is deleted yet; --yes deletes 1 file, 10 B\n')
  const wet = await run('file', 'gc', '--yes')
  expect(wet.err).toBe('deleted: 1 file, 10 B\n')
  expect(JSON.parse((await run('file', 'gc', '--json')).out)).toMatchObject({ items: [], files: 0, dryRun: true })
})

test('a file is deleted by its hash, unless an image refers to it', async () => {
  const hash = sha256(Buffer.from('three'))
  const refused = await run('file', 'delete', hash)
  expect([refused.exitCode, refused.err]).toEqual([
    1,
    `bootwright: file vmlinuz-3 (${hash.slice(0, 12)}…) is used by image debian version 3\n`,
  ])
  const spare = sha256(Buffer.from('one'))
  await run('image', 'delete', 'debian', '1')
  expect((await run('file', 'delete', spare)).err).toBe(`file ${spare} deleted\n`)
})
