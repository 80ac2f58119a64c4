import { randomBytes } from 'node:crypto'
import { open, rm, truncate, writeFile } from 'node:fs/promises'
import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFileChecks } from '../../src/files/check.ts'
import { type VerifyLine, verifyFiles } from '../../src/files/verify.ts'
import { listChanges } from '../../src/inventory/changes/changes.ts'
import { claimFileToCheck, filesOfImages } from '../../src/inventory/images/file-checks.ts'
import { findFile, recordDamage, reuseFile, type StoredFile } from '../../src/inventory/images/files.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { startBackgroundChecks } from '../../src/jobs/background-checks.ts'
import { eachDatabase } from '../helpers/database.ts'
import { openStored, type Stored } from '../helpers/stored.ts'

const never = new AbortController().signal
const fast = { bytesPerSecond: 1e12, signal: never }

eachDatabase('the bytes of stored files', (database) => {
  let stored: Stored
  beforeEach(async () => {
    stored = await openStored(database())
  })
  afterEach(() => stored.remove())

  const find = async ({ sha256 }: { sha256: string }) => (await findFile(database(), sha256)) as StoredFile
  const check = async (file: { sha256: string }) => createFileChecks(stored.deps).check(await find(file), fast)
  /** Changes one bit and nothing else: what a bad disk does. */
  const flip = async (file: { sha256: string }, position: number) => {
    const handle = await open(stored.pathOf(file), 'r+')
    const byte = Buffer.alloc(1)
    await handle.read(byte, 0, 1, position)
    byte[0] = (byte[0] ?? 0) ^ 1
    await handle.write(byte, 0, 1, position)
    await handle.close()
  }

  test('one bit of three million bytes is found, and found to be right again', async () => {
    const bytes = randomBytes(3_000_001)
    const file = await stored.add('initrd.gz', bytes)
    expect(await check(file)).toBeNull()
    expect((await find(file)).checkedAt).toBeInstanceOf(Date)
    await flip(file, 2_999_999)
    expect(await check(file)).toMatch(/^its sha256 is [0-9a-f]{64}$/)
    expect((await find(file)).damage).toMatch(/^its sha256 is [0-9a-f]{64} \(seen \d{4}-/)
    expect(stored.logged.map((line) => JSON.parse(line))).toMatchObject([
      { level: 50, file: 'initrd.gz', sha256: file.sha256, msg: 'stored file is damaged' },
    ])
    // A second look says nothing new.
    await check(file)
    expect(stored.logged).toHaveLength(1)
    await flip(file, 2_999_999)
    expect(await check(file)).toBeNull()
    expect((await find(file)).damage).toBeNull()
    expect((await listChanges(database(), { subject: file.sha256 }, 9)).map(({ type }) => type)).toEqual([
      'file.mended',
      'file.damaged',
    ])
  })

  test('missing, short and long files are distinguished, and an empty file is intact', async () => {
    const file = await stored.add('vmlinuz', 'a kernel')
    await truncate(stored.pathOf(file), 3)
    expect(await check(file)).toBe('the file has 3 bytes instead of 8')
    await writeFile(stored.pathOf(file), 'a kernel and more')
    expect(await check(file)).toBe('the file has 17 bytes instead of 8')
    await rm(stored.pathOf(file))
    expect(await check(file)).toBe('the file is missing in the store')
    expect(await check(await stored.add('empty', ''))).toBeNull()
  })

  test('one file is read at a time, no faster than told, and no longer than wanted', async () => {
    const files = [await stored.add('a', randomBytes(2 ** 20)), await stored.add('b', randomBytes(2 ** 20))]
    const checks = createFileChecks(stored.deps)
    const startedAt = performance.now()
    const order: string[] = []
    await Promise.all(
      files.map(async ({ sha256, name }) => {
        const progress = () => order.push(name)
        await checks.check(await find({ sha256 }), { bytesPerSecond: 4 * 2 ** 20, signal: never, progress })
      }),
    )
    expect(performance.now() - startedAt).toBeGreaterThan(450)
    expect(order.join('')).toMatch(/^(aabb|bbaa)$/)
    const stop = new AbortController()
    const slow = checks.check(await find(files[0] as StoredFile), { bytesPerSecond: 1000, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('stopped')), 50)
    await expect(slow).rejects.toThrow()
  })

  test('the one that waits longest is claimed, by one server only; what was just used is not checked by it', async () => {
    const db = database()
    const [a, b, c] = [await stored.add('a', 'a'), await stored.add('b', 'b'), await stored.add('c', 'c')]
    expect(await claimFileToCheck(db, 7)).toBeUndefined()
    await stored.age(24 * 8, a)
    await stored.age(24 * 9, b)
    const claimed = await Promise.all([claimFileToCheck(db, 7), claimFileToCheck(db, 7), claimFileToCheck(db, 7)])
    expect(claimed.map((one) => one?.name ?? '').sort()).toEqual(['', 'a', 'b'])
    // The server that claimed them ended: they are due again.
    await db.execute(sql`update files set checked_at = checked_at - interval '3 hours' where checked_at is not null`)
    expect((await claimFileToCheck(db, 7))?.name).toMatch(/[ab]/)
    // Uploads that find it stored already do not look at its bytes.
    await stored.age(24 * 8, c)
    await reuseFile(db, c.sha256)
    const rest = [await claimFileToCheck(db, 7), await claimFileToCheck(db, 7)]
    expect(rest.map((one) => one?.name)).toContain('c')
  })

  test('damaged ones come first, once an hour', async () => {
    const db = database()
    const file = await stored.add('a', 'a')
    await recordDamage(db, file.sha256, { kind: 'missing', damage: 'the file is missing in the store' })
    expect((await claimFileToCheck(db, 7))?.name).toBe('a')
    expect(await claimFileToCheck(db, 7)).toBeUndefined()
    await db.execute(sql`update files set checked_at = now() - interval '61 minutes'`)
    expect((await claimFileToCheck(db, 7))?.name).toBe('a')
  })

  test('the background check finds a damaged file when it is due, and clears the damage when the file is intact again', async () => {
    const file = await stored.add('vmlinuz', 'a kernel')
    await stored.age(24 * 8, file)
    await flip(file, 0)
    const running = startBackgroundChecks(stored.deps, createFileChecks(stored.deps), { everyDays: 7, lookMs: 20 })
    await expect.poll(async () => (await find(file)).damage, { timeout: 5000 }).toMatch(/^its sha256 is /)
    await flip(file, 0)
    await database().execute(sql`update files set checked_at = now() - interval '2 hours'`)
    await expect.poll(async () => (await find(file)).damage, { timeout: 5000 }).toBeNull()
    await running.stop()
    const off = startBackgroundChecks(stored.deps, createFileChecks(stored.deps), { everyDays: 0, lookMs: 1 })
    await off.stop()
  })

  test('the requested files are checked and reported, with progress for long checks', async () => {
    const files = [await stored.add('a', randomBytes(2 ** 20)), await stored.add('b', 'b')]
    await rm(stored.pathOf(files[1] as StoredFile))
    const lines: VerifyLine[] = []
    const checks = createFileChecks(stored.deps)
    const wanted = await Promise.all(files.map(find))
    // 1 MiB takes 10 ms at 100 MB/s.
    for await (const line of verifyFiles(stored.deps, checks, wanted, never, 1)) lines.push(line)
    expect(lines[0]).toMatchObject({ kind: 'progress', name: 'a', sizeBytes: 2 ** 20 })
    expect(lines.filter(({ kind }) => kind !== 'progress')).toEqual([
      { kind: 'checked', sha256: wanted[0]?.sha256, name: 'a', sizeBytes: 2 ** 20, damage: null },
      {
        kind: 'checked',
        sha256: wanted[1]?.sha256,
        name: 'b',
        sizeBytes: 1,
        damage: 'the file is missing in the store',
      },
      { kind: 'end', checked: 2, damaged: 1, failed: 0, bytes: 2 ** 20 + 1 },
    ])
    const all: VerifyLine[] = []
    for await (const line of verifyFiles(stored.deps, checks, undefined, never)) all.push(line)
    expect(all.at(-1)).toMatchObject({ kind: 'end', checked: 2, damaged: 1 })
  })

  test('a store that does not answer is not a damaged file', async () => {
    const file = await stored.add('a', 'a')
    const store = { ...stored.deps.store, open: () => Promise.reject(new Error('the object store is away')) }
    const checks = createFileChecks({ ...stored.deps, store })
    const lines: VerifyLine[] = []
    for await (const line of verifyFiles(stored.deps, checks, [await find(file)], never)) lines.push(line)
    expect(lines).toMatchObject([
      { kind: 'failed', name: 'a', message: 'the object store is away' },
      { kind: 'end', checked: 0, failed: 1 },
    ])
    expect((await find(file)).damage).toBeNull()
  })

  test('the files of an image are those of all its versions', async () => {
    const db = database()
    const [a, b] = [await stored.add('a', 'a'), await stored.add('b', 'b')]
    for (const file of [a, b])
      await saveImage(db, 'd', { variants: [{ kind: 'ipxe', arch: 'x86_64', file }] }, {}, 'tester')
    expect((await filesOfImages(db, ['d'])).map(({ name }) => name).sort()).toEqual(['a', 'b'])
    await expect(filesOfImages(db, ['d', 'e'])).rejects.toThrow('there is no image e')
  })
})
