import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { armDeployment, cancelDeployment } from '../../../src/inventory/boots/deployments.ts'
import { listChanges } from '../../../src/inventory/changes/changes.ts'
import { etagOf } from '../../../src/inventory/common/precondition.ts'
import { deleteImage, findImage, patchImage, saveImage } from '../../../src/inventory/images/images.ts'
import {
  deleteImageVersion,
  findImageVersion,
  findRollback,
  listImageVersions,
} from '../../../src/inventory/images/versions.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { savePolicy } from '../../../src/inventory/machines/policy.ts'
import { findCatalogImage } from '../../../src/model/catalog.ts'
import type { Image, Variant } from '../../../src/model/image.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { testRoster } from '../../helpers/roster.ts'

const facts = { mac: '52:54:00:12:34:56', platform: 'efi', buildarch: 'x86_64' } as const

eachDatabase('versions of an image', (database) => {
  let count = 0
  /** A version that differs from all others. */
  const variants = (): Variant[] => [{ kind: 'sanboot', arch: 'x86_64', target: `iscsi:192.0.2.1::::iqn.${count++}` }]
  const save = async () => (await saveImage(database(), 'd', { variants: variants() }, {}, 'tester')).image.version
  const image = async () => (await findImage(database(), 'd')) as Image
  const rollBack = async () => {
    const version = await findRollback(database(), await image())
    if (version !== undefined) await patchImage(database(), 'd', { version }, {}, 'tester')
    return version
  }

  test('a roll back goes to the version that was booted before, and a second one goes further back', async () => {
    for (let n = 1; n <= 3; n++) await save()
    expect(await rollBack()).toBe(2)
    expect(await save()).toBe(4)
    // Version 3 is higher, but machines booted version 2 before version 4.
    expect(await rollBack()).toBe(2)
    expect(await rollBack()).toBe(1)
    expect(await rollBack()).toBeUndefined()
    expect((await image()).version).toBe(1)
  })

  test('without the audit log, or if that version is deleted, a roll back goes to the next lower version', async () => {
    for (let n = 1; n <= 4; n++) await save()
    await deleteImageVersion(database(), 'd', 3, {}, 'tester')
    expect(await findRollback(database(), await image())).toBe(2)
    await database().execute(sql`truncate changes`)
    expect(await findRollback(database(), await image())).toBe(2)
  })

  test('the audit log of a deleted image with the same name does not count', async () => {
    for (let n = 1; n <= 3; n++) await save()
    await patchImage(database(), 'd', { version: 1 }, {}, 'tester')
    await patchImage(database(), 'd', { version: 3 }, {}, 'tester')
    await deleteImage(database(), 'd', {}, 'tester')
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await save()).toBe(1)
    expect(await findRollback(database(), await image())).toBeUndefined()
  })

  test('a deleted version is in the audit log, and its number is not used again', async () => {
    for (let n = 1; n <= 3; n++) await save()
    await patchImage(database(), 'd', { version: 2 }, {}, 'tester')
    const etag = etagOf(await image())
    await expect(deleteImageVersion(database(), 'd', 3, { ifMatch: ['"other"'] }, 'tester')).rejects.toThrow(etag)
    await deleteImageVersion(database(), 'd', 3, { ifMatch: [etag] }, 'token ci')
    expect((await listImageVersions(database(), 'd')).map((one) => one.version)).toEqual([2, 1])
    expect(await listChanges(database(), { type: 'image.version-deleted' }, 10)).toMatchObject([
      { actor: 'token ci', subject: 'd', before: { version: 3, variants: [{ kind: 'sanboot' }], source: null } },
    ])
    expect(await save()).toBe(4)
  })

  test('the current version and unknown versions cannot be deleted', async () => {
    await save()
    await expect(deleteImageVersion(database(), 'd', 1, {}, 'tester')).rejects.toThrow(
      'version 1 of image d is the current version. Next step: bootwright image promote d VERSION',
    )
    await expect(deleteImageVersion(database(), 'd', 2, {}, 'tester')).rejects.toThrow('image d has no version 2')
    await expect(deleteImageVersion(database(), 'e', 1, {}, 'tester')).rejects.toThrow('there is no image e')
    await expect(findImageVersion(database(), 'd', 9)).rejects.toThrow('image d has no version 9')
  })

  test('a version that a machine boots cannot be deleted until that boot ends', async () => {
    await save()
    await savePolicy(database(), { kind: 'image', image: 'd' }, 'tester')
    const { id } = await openBootFor(database(), facts, '192.0.2.7')
    await save()
    await expect(deleteImageVersion(database(), 'd', 1, {}, 'tester')).rejects.toThrow(
      'version 1 of image d is being booted by 52:54:00:12:34:56',
    )
    await database().execute(sql`update boots set outcome = 'booted' where id = ${id}`)
    await deleteImageVersion(database(), 'd', 1, {}, 'tester')
    expect((await listImageVersions(database(), 'd')).map((one) => one.version)).toEqual([2])
  })

  test('the end of life is set, recorded and cleared; a version keeps its source', async () => {
    const [variant] = variants()
    const kept = { variants: variant ? [variant] : [] }
    await saveImage(database(), 'd', { ...kept, endOfLife: '2026-06-10', source: 'recipe debian-12' }, {}, 'tester')
    expect(await saveImage(database(), 'd', kept, {}, 'tester')).toMatchObject({
      image: { version: 1, endOfLife: '2026-06-10' },
    })
    expect(await saveImage(database(), 'd', { ...kept, endOfLife: '2028-06-30' }, {}, 'tester')).toMatchObject({
      image: { version: 1, endOfLife: '2028-06-30' },
    })
    expect(await patchImage(database(), 'd', { endOfLife: null }, {}, 'tester')).toMatchObject({ endOfLife: null })
    expect(await listChanges(database(), { subject: 'd' }, 1)).toMatchObject([
      { before: { endOfLife: '2028-06-30' }, after: { endOfLife: null } },
    ])
    expect(await findImageVersion(database(), 'd', 1)).toMatchObject({ source: 'recipe debian-12', current: true })
  })

  test('a deployment never gets a version of a deleted image of the same name', async () => {
    const find = testRoster(database()).findSituation
    const { id } = (await saveMachine(database(), { mac: facts.mac }, {}, {}, 'tester')).machine
    const order = { image: 'd', assignment: {}, maxAttempts: 3, windowSeconds: 3600 }
    const target = async () => {
      const { id: deployment } = await armDeployment(database(), id, order, true, 'tester')
      await save()
      const { catalog, deployment: armed } = await find(facts)
      const { variants: found } = findCatalogImage(catalog, { image: 'd', version: armed?.version ?? undefined }) ?? {}
      await cancelDeployment(database(), deployment, 'tester')
      return found
    }
    const first = variants()
    await saveImage(database(), 'd', { variants: first }, {}, 'tester')
    expect(await target()).toEqual(first)
    await deleteImage(database(), 'd', {}, 'tester')
    const second = variants()
    await saveImage(database(), 'd', { variants: second }, {}, 'tester')
    expect(await target()).toEqual(second)
  })
})
