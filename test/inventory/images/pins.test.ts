import { sql } from 'drizzle-orm'
import { beforeEach, expect, inject, test } from 'vitest'
import { openPostgres } from '../../../src/db/postgres/open-postgres.ts'
import { armDeployment } from '../../../src/inventory/boots/deployments.ts'
import { etagOf } from '../../../src/inventory/common/precondition.ts'
import { findImage, patchImage, saveImage } from '../../../src/inventory/images/images.ts'
import { deleteImageVersion } from '../../../src/inventory/images/versions.ts'
import { actOnMachines } from '../../../src/inventory/machines/actions.ts'
import { changeGroup, deleteGroup, saveGroup } from '../../../src/inventory/machines/groups.ts'
import { deleteMachine, saveMachine } from '../../../src/inventory/machines/machines.ts'
import { deleteMenu, saveMenu } from '../../../src/inventory/machines/menus.ts'
import { savePolicy } from '../../../src/inventory/machines/policy.ts'
import type { Assignment } from '../../../src/model/assignment.ts'
import type { Image, Variant } from '../../../src/model/image.ts'
import { createFresh, eachDatabase } from '../../helpers/database.ts'

const mac = '52:54:00:12:34:56'
const by = 'tester'
const group = (assignment: Assignment) => ({ title: '', priority: 0, selector: [], assignment })
const menu = (version: number) => ({
  ...{ title: 'M', timeoutSeconds: null, defaultEntry: null },
  entries: [{ name: 'old', text: 'Old', kind: 'image' as const, image: 'd', version }],
})
const variants = (n: number): Variant[] => [{ kind: 'sanboot', arch: 'x86_64', target: `iscsi:192.0.2.1::::iqn.${n}` }]

eachDatabase('a pin to a version of an image', (database) => {
  beforeEach(async () => {
    for (const n of [1, 2, 3]) await saveImage(database(), 'd', { variants: variants(n) }, {}, by)
  })
  const pinned = { image: 'd', version: 1 }
  const remove = () => deleteImageVersion(database(), 'd', 1, {}, by)

  test('keeps the version from being deleted, and the refusal names what pins it', async () => {
    await saveGroup(database(), 'g', group(pinned), {}, by)
    await saveMenu(database(), 'm', menu(1), {}, by)
    await savePolicy(database(), { kind: 'image', ...pinned }, by)
    await saveMachine(database(), { mac }, { assignment: pinned }, {}, by)
    await expect(remove()).rejects.toThrow(
      /^version 1 of image d is pinned by group g, menu m, the policy, machine 52:54:00:12:34:56. Next step: /,
    )
    await savePolicy(database(), { kind: 'local' }, by)
    await deleteMenu(database(), 'm', {}, by)
    await deleteGroup(database(), 'g', {}, by)
    await expect(remove()).rejects.toThrow('is pinned by machine 52:54:00:12:34:56')
    await deleteMachine(database(), { mac }, {}, by)
    await remove()
  })

  test('names some of many machines', async () => {
    for (let n = 0; n < 8; n++)
      await saveMachine(database(), { mac: `52:54:00:00:00:0${n}` }, { assignment: pinned }, {}, by)
    await expect(remove()).rejects.toThrow(/pinned by machine (\S+, machine ){5}\S+ and more/)
  })

  test('is refused if the version does not exist, and says which exist', async () => {
    const expected = 'expected a version of image d: 3, 2, 1, got "9"'
    const missing = { image: 'd', version: 9 }
    await expect(saveGroup(database(), 'g', group(missing), {}, by)).rejects.toThrow(`assignment.version: ${expected}`)
    await expect(saveMenu(database(), 'm', menu(9), {}, by)).rejects.toThrow(`entries[0].version: ${expected}`)
    await expect(savePolicy(database(), { kind: 'image', ...missing }, by)).rejects.toThrow(`version: ${expected}`)
    await expect(saveMachine(database(), { mac }, { assignment: missing }, {}, by)).rejects.toThrow(expected)
    const { machine } = await saveMachine(database(), { mac }, {}, {}, by)
    const order = { ...missing, assignment: {}, maxAttempts: 1, windowSeconds: 60 }
    await expect(armDeployment(database(), machine.id, order, false, by)).rejects.toThrow(expected)
    const assign = () => ({ assignment: missing })
    const { refused } = await actOnMachines(database(), {}, assign, { dryRun: false }, by)
    expect(refused).toMatchObject([{ why: expect.stringContaining('a version of image d'), count: 1 }])
  })

  test('needs an image, ends with a new image, and can be set and cleared alone', async () => {
    const save = async (assignment: object | null) =>
      (await saveMachine(database(), { mac }, { assignment } as never, {}, by)).machine.assignment
    await expect(save({ version: 1 })).rejects.toThrow('assignment.version: expected an image in the same assignment')
    await saveImage(database(), 'e', { variants: variants(9) }, {}, by)
    expect(await save(pinned)).toEqual(pinned)
    expect(await save({ version: 2 })).toEqual({ image: 'd', version: 2 })
    await expect(save({ version: 7 })).rejects.toThrow('a version of image d')
    expect(await save({ version: null })).toEqual({ image: 'd' })
    expect(await save(pinned)).toEqual(pinned)
    expect(await save({ image: 'e' })).toEqual({ image: 'e' })
    await saveGroup(database(), 'g', group(pinned), {}, by)
    const { assignment } = await changeGroup(database(), 'g', { assignment: { local: true } }, {}, by)
    expect(assignment).toEqual({ local: true })
  })

  test('stays when another version is promoted', async () => {
    await saveGroup(database(), 'g', group(pinned), {}, by)
    await patchImage(database(), 'd', { version: 2 }, {}, by)
    await patchImage(database(), 'd', { version: 3 }, {}, by)
    await expect(remove()).rejects.toThrow('is pinned by group g')
  })
})

eachDatabase('two people who promote at once', (database) => {
  test('one of them gets a conflict that names the other', async () => {
    for (const n of [1, 2, 3]) await saveImage(database(), 'd', { variants: variants(n) }, {}, by)
    const etag = etagOf((await findImage(database(), 'd')) as Image)
    const precondition = { ifMatch: [etag] }
    const results = await Promise.allSettled([
      patchImage(database(), 'd', { version: 1 }, precondition, 'anna'),
      patchImage(database(), 'd', { version: 2 }, precondition, 'bert'),
    ])
    const { version } = (await findImage(database(), 'd')) as Image
    const winner = version === 1 ? 'anna' : 'bert'
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
    expect(reasons).toEqual([
      expect.stringMatching(`its ETag is now "\\S+"; ${winner} promoted version ${version} at \\d{4}-\\S+Z`),
    ])
    await expect(patchImage(database(), 'd', { version: 3, from: 3 }, {}, by)).rejects.toThrow(
      `version ${version} of image d is current, not version 3: ${winner} promoted version ${version} at `,
    )
    expect(await patchImage(database(), 'd', { version: 3, from: version }, {}, by)).toMatchObject({ version: 3 })
  })
})

test('a version is never deleted while another request pins it', async ({ skip }) => {
  const server = inject('postgresUrl')
  if (server === undefined) return skip('PostgreSQL is not installed')
  const { db, close } = await openPostgres(await createFresh(server))
  try {
    let [pins, deletions] = [0, 0]
    for (let n = 0; n < 30; n++) {
      const image = `i${n}`
      for (const m of [1, 2]) await saveImage(db, image, { variants: variants(m) }, {}, by)
      const pin =
        n % 2 === 0
          ? saveGroup(db, image, group({ image, version: 1 }), {}, by)
          : saveMachine(db, { mac }, { assignment: { image, version: 1 } }, {}, by)
      const [pinnedIt, deleted] = await Promise.allSettled([pin, deleteImageVersion(db, image, 1, {}, by)])
      expect([pinnedIt.status, deleted.status].sort()).toEqual(['fulfilled', 'rejected'])
      if (pinnedIt.status === 'fulfilled') pins += 1
      else deletions += 1
    }
    expect(pins + deletions).toBe(30)
    const found = await db.execute(sql`
      select name from groups where not exists (select 1 from image_versions where image = assignment ->> 'image' and version = 1)`)
    expect([...(found as unknown as Iterable<unknown>)]).toEqual([])
  } finally {
    await close()
  }
})
