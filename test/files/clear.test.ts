import { access, rm, truncate } from 'node:fs/promises'
import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { clearFiles, deleteFile, type GarbageLine } from '../../src/files/clear.ts'
import { listChanges } from '../../src/inventory/changes/changes.ts'
import { listNamers, listUnnamed } from '../../src/inventory/images/file-garbage.ts'
import { findFile, reuseFile, saveFile } from '../../src/inventory/images/files.ts'
import { deleteImage, saveImage } from '../../src/inventory/images/images.ts'
import { createImport } from '../../src/inventory/images/imports.ts'
import { deleteImageVersion } from '../../src/inventory/images/versions.ts'
import { savePolicy } from '../../src/inventory/machines/policy.ts'
import { type FileRef, filesOf, type Variant } from '../../src/model/image.ts'
import { openBootFor } from '../helpers/boots.ts'
import { eachDatabase } from '../helpers/database.ts'
import { openStored, type Stored } from '../helpers/stored.ts'

const oneFile = (file: FileRef): Variant => ({ kind: 'ipxe', arch: 'x86_64', file })

eachDatabase('files that nothing needs', (database) => {
  let stored: Stored
  beforeEach(async () => {
    stored = await openStored(database())
  })
  afterEach(() => stored.remove())

  const clear = async (dryRun: boolean, deps = stored.deps, olderThanHours = 24) => {
    const lines: GarbageLine[] = []
    for await (const line of clearFiles(deps, { dryRun, olderThanHours }, 'token ci')) lines.push(line)
    return lines
  }
  const isThere = async (file: { sha256: string }) => {
    const bytes = await access(stored.pathOf(file)).then(
      () => true,
      () => false,
    )
    return [(await findFile(database(), file.sha256)) !== undefined, bytes]
  }
  const addOld = async (name: string) => {
    const file = await stored.add(name, `bytes of ${name}`)
    await stored.age(25, file)
    return file
  }

  test('are listed by a dry run, and then deleted with an entry in the audit log; new files and files in use stay', async () => {
    const [old, named] = [await addOld('old'), await addOld('named')]
    const young = await stored.add('young', 'young')
    await saveImage(database(), 'd', { variants: [oneFile(named)] }, {}, 'tester')
    await stored.age(25, named)
    const about = { kind: 'unnamed', sha256: old.sha256, name: 'old', sizeBytes: 12 }
    expect(await clear(true)).toEqual([
      { ...about, removed: false },
      { kind: 'end', dryRun: true, files: 1, bytes: 12, damaged: 0 },
    ])
    expect(await isThere(old)).toEqual([true, true])
    expect(await clear(false)).toEqual([
      { ...about, removed: true },
      { kind: 'end', dryRun: false, files: 1, bytes: 12, damaged: 0 },
    ])
    expect(await isThere(old)).toEqual([false, false])
    for (const file of [young, named]) expect(await isThere(file)).toEqual([true, true])
    expect(await listChanges(database(), { type: 'file' }, 9)).toMatchObject([
      { actor: 'token ci', type: 'file.deleted', subject: old.sha256, before: { name: 'old', sizeBytes: 12 } },
    ])
  })

  test('whatever the kind of a variant, each of its files is named; of every version', async () => {
    const files: FileRef[] = []
    for (let n = 0; n < 11; n++) files.push(await addOld(`file-${n}`))
    const [kernel, initrd, tree, wimboot, bcd, wim, efi, ipxe, iso, second, left] = files as Required<typeof files>
    const variants = [
      {
        kind: 'linux',
        arch: 'x86_64',
        kernel,
        initrds: [initrd],
        args: [],
        tree: [{ path: 'a/b', sha256: tree?.sha256 }],
      },
      { kind: 'wimboot', arch: 'i386', wimboot, files: [bcd, wim], args: [] },
      { kind: 'efi', arch: 'arm64', platform: 'efi', file: efi, args: [] },
      { kind: 'ipxe', arch: 'x86_64', platform: 'efi', file: ipxe },
      { kind: 'sanboot', arch: 'x86_64', platform: 'pcbios', file: iso },
    ] as Variant[]
    expect(variants.flatMap(filesOf)).toHaveLength(9)
    await saveImage(database(), 'd', { variants }, {}, 'tester')
    await saveImage(database(), 'd', { variants: [oneFile(second as FileRef)] }, {}, 'tester')
    expect((await listUnnamed(database(), 1, 100)).map(({ name }) => name)).toEqual([left?.name])
    expect(await listNamers(database(), tree?.sha256 ?? '')).toEqual(['image d version 1'])
    await deleteImageVersion(database(), 'd', 1, {}, 'tester')
    expect(await listUnnamed(database(), 1, 100)).toHaveLength(10)
  })

  test('not what an open boot loads of an image that was deleted, nor what an import is to read', async () => {
    const [kernel, iso] = [await addOld('kernel'), await addOld('iso')]
    const plan = { kind: 'file' as const, sha256: iso.sha256, name: 'x.iso', keepIso: false }
    await createImport(database(), { image: undefined, plan, server: 's' }, 'x')
    await saveImage(database(), 'd', { variants: [oneFile(kernel)] }, {}, 'tester')
    await savePolicy(database(), { kind: 'image', image: 'd' }, 'tester')
    await openBootFor(database(), { mac: '52:54:00:00:00:01', platform: 'efi', buildarch: 'x86_64' }, '192.0.2.1')
    await savePolicy(database(), { kind: 'local' }, 'tester')
    await deleteImage(database(), 'd', {}, 'tester')
    expect(await clear(true)).toMatchObject([{ kind: 'end', files: 0 }])
    await expect(deleteFile(stored.deps, kernel.sha256, 'x')).rejects.toThrow(/is used by boot /)
    await database().execute(sql`update boots set outcome = 'failed'`)
    await database().execute(sql`update imports set ended_at = now()`)
    expect(await clear(true)).toMatchObject([{}, {}, { kind: 'end', files: 2 }])
  })

  test('bytes without a record are deleted, and records without bytes stay and are damaged', async () => {
    const [orphan, gone, cut] = [await addOld('orphan'), await addOld('gone'), await addOld('cut')]
    const variants = [oneFile(gone), { ...oneFile(cut), arch: 'arm64' } as Variant]
    await saveImage(database(), 'd', { variants }, {}, 'tester')
    await database().execute(sql`delete from files where sha256 = ${orphan.sha256}`)
    await rm(stored.pathOf(gone))
    await truncate(stored.pathOf(cut), 4)
    const found = [
      expect.objectContaining({ kind: 'unrecorded', sha256: orphan.sha256, sizeBytes: 15 }),
      expect.objectContaining({ kind: 'damaged', name: 'gone', damage: 'the file is missing in the store' }),
      expect.objectContaining({ kind: 'damaged', name: 'cut', damage: 'the file has 4 bytes instead of 12' }),
      expect.objectContaining({ kind: 'end', files: 1, bytes: 15, damaged: 2 }),
    ]
    const dry = await clear(true)
    expect(dry).toHaveLength(4)
    expect(dry).toEqual(expect.arrayContaining(found))
    expect((await findFile(database(), gone.sha256))?.damage).toBeNull()
    expect(await clear(false)).toEqual(expect.arrayContaining(found))
    expect(await isThere(orphan)).toEqual([false, false])
    expect((await findFile(database(), gone.sha256))?.damage).toMatch(/^the file is missing in the store/)
    expect(await isThere(cut)).toEqual([true, true])
  })

  test('more files than one transaction holds are each reported once', async () => {
    for (let n = 0; n < 40; n++) await addOld(`file-${n}`)
    const lines = await clear(false)
    expect(new Set(lines.map((line) => 'sha256' in line && line.sha256)).size).toBe(41)
    expect(lines.at(-1)).toMatchObject({ files: 40 })
  })

  test('a file that is about to be used, or was stored again, is kept', async () => {
    const file = await addOld('used')
    await reuseFile(database(), file.sha256)
    expect(await clear(false)).toMatchObject([{ kind: 'end', files: 0 }])
    expect(await isThere(file)).toEqual([true, true])
  })

  test('an image that is saved during garbage collection has its files, or is refused', async () => {
    const files: FileRef[] = []
    for (let n = 0; n < 24; n++) files.push(await addOld(`file-${n}`))
    const saving = files.map((file, n) =>
      saveImage(database(), `image-${n}`, { variants: [oneFile(file)] }, {}, 'tester'),
    )
    const [, ...saved] = await Promise.allSettled([clear(false), ...saving])
    for (const [n, result] of saved.entries()) {
      const there = await isThere(files[n] as FileRef)
      expect(there).toEqual(result.status === 'fulfilled' ? [true, true] : [false, false])
      if (result.status === 'rejected') expect(String(result.reason)).toContain('the sha256 of an uploaded file')
    }
  })

  test('an upload that arrives while its file is being deleted is asked to retry, and never lost', async () => {
    const { db, store } = stored.deps
    const file = await addOld('again')
    let upload: Promise<unknown> = Promise.resolve()
    const remove = async (sha256: string) => {
      // The same bytes are uploaded now; their record waits until garbage collection ends.
      upload = saveFile(db, { sha256, name: 'again', sizeBytes: 14 }, store.size)
      upload.catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 50))
      await store.remove(sha256)
    }
    await clear(false, { ...stored.deps, store: { ...store, remove } })
    await expect(upload).rejects.toThrow('was deleted during the upload. Next step: upload it again')
    expect(await isThere(file)).toEqual([false, false])
    expect(await isThere(await stored.add('again', 'bytes of again'))).toEqual([true, true])
  })

  test('an upload that is recorded between finding a file and removing it keeps it', async () => {
    const { db, store } = stored.deps
    const file = await addOld('again')
    const found = await listUnnamed(db, 24, 10)
    expect(found.map(({ name }) => name)).toEqual(['again'])
    await saveFile(db, { sha256: file.sha256, name: 'again', sizeBytes: 14 }, store.size)
    await clear(false)
    expect(await isThere(file)).toEqual([true, true])
  })

  test('a file that cannot be removed keeps its record', async () => {
    const file = await addOld('stuck')
    const store = { ...stored.deps.store, remove: () => Promise.reject(new Error('read-only file system')) }
    await expect(clear(false, { ...stored.deps, store })).rejects.toThrow('read-only file system')
    expect(await isThere(file)).toEqual([true, true])
  })

  test('a file is deleted, unless something uses it', async () => {
    const file = await stored.add('vmlinuz', 'a kernel')
    await saveImage(database(), 'd', { variants: [oneFile(file)] }, {}, 'tester')
    await saveImage(database(), 'd', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    await expect(deleteFile(stored.deps, file.sha256, 'x')).rejects.toThrow(
      `file vmlinuz (${file.sha256.slice(0, 12)}…) is used by image d version 1`,
    )
    await deleteImageVersion(database(), 'd', 1, {}, 'tester')
    await deleteFile(stored.deps, file.sha256, 'x')
    expect(await isThere(file)).toEqual([false, false])
    await expect(deleteFile(stored.deps, file.sha256, 'x')).rejects.toThrow(`there is no file ${file.sha256}`)
  })
})
