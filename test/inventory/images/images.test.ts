import { expect, test } from 'vitest'
import { findFile, listFiles, saveFile } from '../../../src/inventory/images/files.ts'
import { deleteImage, findImage, listImages, patchImage, saveImage } from '../../../src/inventory/images/images.ts'
import { listImageVersions } from '../../../src/inventory/images/versions.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { findPolicy, savePolicy } from '../../../src/inventory/machines/policy.ts'
import { ConflictError, InputError, NotFoundError } from '../../../src/lib/errors.ts'
import type { Variant } from '../../../src/model/image.ts'
import { eachDatabase } from '../../helpers/database.ts'

const sha256 = 'a'.repeat(64)
const linux: Variant = {
  kind: 'linux',
  arch: 'x86_64',
  kernel: { sha256, name: 'vmlinuz' },
  initrds: [],
  args: ['quiet'],
}
const local: Variant = { kind: 'local', arch: 'arm64', platform: 'efi' }

eachDatabase('images and files', (database) => {
  const store = () => saveFile(database(), { sha256, name: 'vmlinuz', sizeBytes: 5_000_000_000 })

  test('a file is recorded once and keeps its first name; sizes go beyond 32 bits', async () => {
    expect(await store()).toMatchObject({ created: true, file: { name: 'vmlinuz', sizeBytes: 5_000_000_000 } })
    expect(await saveFile(database(), { sha256, name: 'other', sizeBytes: 5_000_000_000 })).toMatchObject({
      created: false,
      file: { name: 'vmlinuz' },
    })
    await saveFile(database(), { sha256: 'b'.repeat(64), name: 'b', sizeBytes: 0 })
    expect((await listFiles(database(), 10, sha256)).map((one) => one.name)).toEqual(['b'])
    expect(await findFile(database(), 'c'.repeat(64))).toBeUndefined()
  })

  test('versions are immutable and numbered; equal variants with another order of keys are the same version', async () => {
    await store()
    expect(await saveImage(database(), 'd', { variants: [linux] }, {}, 'tester')).toMatchObject({
      created: true,
      image: { title: 'd', version: 1, variants: [linux] },
    })
    const reordered = Object.fromEntries(Object.entries(linux).reverse()) as Variant
    expect(await saveImage(database(), 'd', { variants: [reordered], title: 'D' }, {}, 'tester')).toMatchObject({
      created: false,
      image: { title: 'D', version: 1 },
    })
    expect((await saveImage(database(), 'd', { variants: [linux, local] }, {}, 'tester')).image).toMatchObject({
      title: 'D',
      version: 2,
    })
    expect((await patchImage(database(), 'd', { version: 1 }, {}, 'tester')).variants).toEqual([linux])
    expect((await saveImage(database(), 'd', { variants: [local] }, {}, 'tester')).image.version).toBe(3)
    const versions = await listImageVersions(database(), 'd')
    expect(versions.map((one) => [one.version, one.current, one.variants.length])).toEqual([
      [3, true, 1],
      [2, false, 2],
      [1, false, 1],
    ])
  })

  test('versions that are saved at the same time get different numbers', async () => {
    await saveImage(database(), 'd', { variants: [local] }, {}, 'tester')
    const variants = (['x86_64', 'i386'] as const).map((arch): Variant => ({ kind: 'local', arch }))
    await Promise.all(variants.map((one) => saveImage(database(), 'd', { variants: [one] }, {}, 'tester')))
    expect((await listImageVersions(database(), 'd')).map((one) => one.version)).toEqual([3, 2, 1])
  })

  test('images that are created at the same time with one name are one image', async () => {
    const saved = await Promise.all(
      [1, 2, 3].map(() => saveImage(database(), 'd', { variants: [local] }, {}, 'tester')),
    )
    expect(saved.filter((one) => one.created)).toHaveLength(1)
    expect((await listImageVersions(database(), 'd')).map((one) => one.version)).toEqual([1])
  })

  test('files that are not stored and duplicate variants are refused with the name of the field', async () => {
    const missing = saveImage(database(), 'd', { variants: [local, linux] }, {}, 'tester')
    await expect(missing).rejects.toThrow(
      new InputError({ field: 'variants[1] vmlinuz', value: sha256, expected: 'the sha256 of an uploaded file' }),
    )
    await expect(saveImage(database(), 'd', { variants: [local, local] }, {}, 'tester')).rejects.toThrow(
      'variants[1]: expected one variant for each arch and platform',
    )
    expect(await findImage(database(), 'd')).toBeUndefined()
  })

  test('an unknown image is not found, and an unknown version is refused with a list of the versions', async () => {
    for (const doing of [
      () => patchImage(database(), 'd', { title: 'x' }, {}, 'tester'),
      () => deleteImage(database(), 'd', {}, 'tester'),
      () => listImageVersions(database(), 'd'),
    ]) {
      await expect(doing()).rejects.toThrow(new NotFoundError('there is no image d'))
    }
    await saveImage(database(), 'd', { variants: [local] }, {}, 'tester')
    await expect(patchImage(database(), 'd', { version: 2 }, {}, 'tester')).rejects.toThrow(
      'version: expected one of 1, got "2"',
    )
    expect(await patchImage(database(), 'd', {}, {}, 'tester')).toMatchObject({ version: 1, title: 'd' })
  })

  test('an image that a machine or the policy names is not deleted', async () => {
    await saveImage(database(), 'd', { variants: [local] }, {}, 'tester')
    await saveMachine(database(), { mac: '52:54:00:00:00:01' }, { assignment: { image: 'd' } }, {}, 'tester')
    await expect(deleteImage(database(), 'd', {}, 'tester')).rejects.toThrow(
      new ConflictError('image d is used by machine 52:54:00:00:00:01'),
    )
    await saveMachine(database(), { mac: '52:54:00:00:00:01' }, { assignment: null }, {}, 'tester')
    await savePolicy(database(), { kind: 'image', image: 'd' }, 'tester')
    await expect(deleteImage(database(), 'd', {}, 'tester')).rejects.toThrow(ConflictError)
    await savePolicy(database(), { kind: 'local' }, 'tester')
    await deleteImage(database(), 'd', {}, 'tester')
    expect(await listImages(database(), 10)).toEqual([])
  })

  test('the policy is local until it is set, and an unknown image is refused', async () => {
    expect(await findPolicy(database())).toEqual({ kind: 'local' })
    await expect(savePolicy(database(), { kind: 'image', image: 'd' }, 'tester')).rejects.toThrow(InputError)
    await savePolicy(database(), { kind: 'wait' }, 'tester')
    expect(await findPolicy(database())).toEqual({ kind: 'wait' })
  })
})
