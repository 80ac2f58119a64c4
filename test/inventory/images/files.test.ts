import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { catalog } from '../../../src/db/schema/system.ts'
import { listChanges } from '../../../src/inventory/changes/changes.ts'
import {
  createFindFileStatus,
  findFile,
  recordCheck,
  recordDamage,
  recordStored,
  reuseFile,
  type StoredFile,
  saveFile,
} from '../../../src/inventory/images/files.ts'
import { eachDatabase, openTestDatabase } from '../../helpers/database.ts'

const sha256 = 'a'.repeat(64)
const vmlinuz = { sha256, name: 'vmlinuz', sizeBytes: 20 }

eachDatabase('the damage of a file', (database) => {
  const revision = async () => Number((await database().select().from(catalog))[0]?.revision)

  test('is recorded once, increments the revision of the catalog, and is in the audit log', async () => {
    const db = database()
    await saveFile(db, vmlinuz)
    const before = await revision()
    expect(await recordDamage(db, sha256, { kind: 'changed', damage: 'the file has 3 bytes instead of 20' })).toBe(true)
    expect(await recordDamage(db, sha256, { kind: 'changed', damage: 'the file has 3 bytes instead of 20' })).toBe(
      false,
    )
    expect(
      await recordDamage(db, 'b'.repeat(64), { kind: 'missing', damage: 'the file is missing in the store' }),
    ).toBe(false)
    expect((await findFile(db, sha256))?.damage).toMatch(
      /^the file has 3 bytes instead of 20 \(seen \d{4}-\d\d-\d\d \d\d:\d\dZ\)$/,
    )
    expect(await revision()).toBe(before + 1)
    expect(await recordDamage(db, sha256, { kind: 'missing', damage: 'the file is missing in the store' })).toBe(true)
    const log = await listChanges(db, { subject: sha256 }, 10)
    expect(log.map(({ type, actor }) => [type, actor])).toEqual([
      ['file.damaged', 'bootwright'],
      ['file.damaged', 'bootwright'],
    ])
    expect(log[1]).toMatchObject({
      before: { name: 'vmlinuz', sizeBytes: 20, damage: null },
      after: { name: 'vmlinuz', sizeBytes: 20, damage: expect.stringContaining('the file has 3 bytes') },
    })
  })

  test('ends with a successful verification; a verification without a change only records its time', async () => {
    const db = database()
    const { file } = await saveFile(db, vmlinuz)
    const before = await revision()
    expect(await recordCheck(db, file, null)).toBe(false)
    expect(await revision()).toBe(before)
    expect((await findFile(db, sha256))?.checkedAt).toBeInstanceOf(Date)
    expect(await recordCheck(db, file, { kind: 'changed', damage: 'its sha256 is bbbb' })).toBe(true)
    expect(await recordCheck(db, file, null)).toBe(true)
    expect(await findFile(db, sha256)).toMatchObject({ damage: null, damageKind: null })
    expect(await revision()).toBe(before + 2)
    expect((await listChanges(db, {}, 10)).map((one) => one.type)).toEqual(['file.mended', 'file.damaged'])
  })

  test('ends when the bytes are stored again; a verification of the former bytes no longer counts', async () => {
    const db = database()
    await saveFile(db, vmlinuz)
    await recordDamage(db, sha256, { kind: 'missing', damage: 'the file is missing in the store' })
    await db.execute(sql`update files set created_at = now() - interval '1 minute'`)
    const read = (await findFile(db, sha256)) as StoredFile
    await recordStored(db, sha256)
    expect(await recordCheck(db, read, { kind: 'changed', damage: 'its sha256 is bbbb' })).toBe(false)
    expect(await findFile(db, sha256)).toMatchObject({ damage: null, checkedAt: null })
    await recordStored(db, 'b'.repeat(64))
    expect((await listChanges(db, {}, 10)).map((one) => one.type)).toEqual(['file.mended', 'file.damaged'])
  })

  test('does not end when the file is recorded again; deleted bytes are not recorded', async () => {
    const db = database()
    await saveFile(db, vmlinuz, async () => 20)
    await recordDamage(db, sha256, { kind: 'missing', damage: 'the file is missing in the store' })
    expect(await saveFile(db, vmlinuz)).toMatchObject({ created: false, file: { damage: expect.any(String) } })
    await expect(saveFile(db, { ...vmlinuz, sha256: 'b'.repeat(64) }, async () => undefined)).rejects.toThrow(
      `file ${'b'.repeat(64)} was deleted during the upload. Next step: upload it again`,
    )
    expect(await findFile(db, 'b'.repeat(64))).toBeUndefined()
  })

  test('prevents reuse of the file, which otherwise restarts the grace period', async () => {
    const db = database()
    await saveFile(db, vmlinuz)
    await db.execute(sql`update files set created_at = now() - interval '1 year'`)
    const reused = await reuseFile(db, sha256)
    expect(Date.now() - Number(reused?.createdAt)).toBeLessThan(60_000)
    await recordDamage(db, sha256, { kind: 'missing', damage: 'the file is missing in the store' })
    expect(await reuseFile(db, sha256)).toBeUndefined()
    expect(await reuseFile(db, 'b'.repeat(64))).toBeUndefined()
  })

  test('is looked up for many files at once, cached briefly, and then read again', async () => {
    const db = database()
    await saveFile(db, vmlinuz)
    await saveFile(db, { sha256: 'b'.repeat(64), name: 'initrd', sizeBytes: 7_000_000_000 })
    const find = createFindFileStatus(db, { keptMs: 50 })
    expect(await Promise.all([sha256, 'b'.repeat(64), 'c'.repeat(64), sha256].map(find))).toEqual([
      { sizeBytes: 20, damage: null, damageKind: null },
      { sizeBytes: 7_000_000_000, damage: null, damageKind: null },
      undefined,
      { sizeBytes: 20, damage: null, damageKind: null },
    ])
    await recordDamage(db, sha256, { kind: 'missing', damage: 'the file is missing in the store' })
    await expect
      .poll(() => find(sha256))
      .toMatchObject({
        damage: expect.stringContaining('missing'),
        damageKind: 'missing',
      })
  })
})

test('keeps its last known value while the database is unreachable', async () => {
  const { db, close } = await openTestDatabase()
  await saveFile(db, vmlinuz)
  const find = createFindFileStatus(db, { keptMs: 1 })
  expect(await find(sha256)).toEqual({ sizeBytes: 20, damage: null, damageKind: null })
  await close()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(await find(sha256)).toEqual({ sizeBytes: 20, damage: null, damageKind: null })
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(await find(sha256)).toEqual({ sizeBytes: 20, damage: null, damageKind: null })
  expect(await find('b'.repeat(64))).toBeUndefined()
})

test('is not waited for long when the database does not answer', async () => {
  const { db, close } = await openTestDatabase()
  await saveFile(db, vmlinuz)
  const find = createFindFileStatus(db, { keptMs: 1, patienceMs: 100 })
  expect(await find(sha256)).toBeDefined()
  await new Promise((resolve) => setTimeout(resolve, 10))
  // An open transaction uses the only connection of the embedded database.
  let end = () => {}
  const held = db.transaction(() => new Promise<void>((resolve) => (end = resolve)))
  await new Promise((resolve) => setTimeout(resolve, 10))
  const startedAt = performance.now()
  expect(await find(sha256)).toEqual({ sizeBytes: 20, damage: null, damageKind: null })
  expect(performance.now() - startedAt).toBeLessThan(500)
  end()
  await held
  await close()
})
