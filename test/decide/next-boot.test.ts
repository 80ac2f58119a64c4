import { describe, expect, test } from 'vitest'
import { compareMachines } from '../../src/decide/concerns/concerns.ts'
import { createNextBoots, isSameNextBoot } from '../../src/decide/concerns/next-boot.ts'
import type { Assignment } from '../../src/model/assignment.ts'
import type { Catalog } from '../../src/model/catalog.ts'
import { catalogOf, decisionFor, linux, machineOf, situationOf } from '../helpers/decide.ts'

const debian = { debian: [linux('x86_64')] }
const facts = { platform: 'efi', buildarch: 'x86_64' } as const
const versions = { 'debian@2': { variants: [linux('x86_64')], installer: false } }
const boots = (catalog: Catalog, assignment: Assignment = {}, more = {}) =>
  createNextBoots(catalog)(machineOf({ assignment, facts, ...more }))

describe('what a machine boots next', () => {
  const catalog = catalogOf({
    images: debian,
    versions,
    menus: { main: [] },
    groups: [{ name: 'g', assignment: { local: true } }],
  })
  test.each([
    [{ image: 'debian' }, 'image debian version 3'],
    [{ image: 'debian', version: 2 }, 'image debian version 2'],
    [{ image: 'debian', version: 1 }, 'nothing: image debian has no version 1'],
    [{ image: 'gone' }, 'nothing: there is no image gone'],
    [{ menu: 'main' }, 'menu main'],
    [{ menu: 'gone' }, 'nothing: there is no menu gone'],
    [{}, 'the local disk'],
  ])('by the assignment %j is %s', (assignment, expected) => {
    expect(boots(catalog, assignment).boots).toBe(expected)
  })

  test('is nothing for a denied machine, and the image of an active deployment before all assignments', () => {
    expect(boots(catalog, { image: 'debian' }, { denied: true }).boots).toBe('nothing: the machine is denied')
    const installs = { image: 'debian', version: 2 }
    expect(boots(catalog, { local: true }, { installs }).boots).toBe('image debian version 2, to install it')
  })

  test('is nothing if the image has no variant, or would install at every boot', () => {
    const arm = { platform: 'efi', buildarch: 'arm64' }
    expect(boots(catalog, { image: 'debian' }, { facts: arm }).boots).toBe(
      'nothing: image debian version 3 has no variant for arm64 efi',
    )
    const installers = catalogOf({ images: debian, installers: ['debian'] })
    expect(boots(installers, { image: 'debian' }).boots).toMatch(/^nothing: image debian version 3 is an installer/)
    expect(boots(installers, { image: 'debian', everyBoot: true }).boots).toBe('image debian version 3')
  })

  test('names the image and the version of the decision', () => {
    for (const assignment of [{ image: 'debian' }, { image: 'debian', version: 2 }, {}]) {
      const { image } = decisionFor(situationOf({ catalog, machine: machineOf({ assignment, facts }) }))
      const expected = image === undefined ? 'the local disk' : `image ${image.name} version ${image.version}`
      expect(boots(catalog, assignment).boots).toBe(expected)
    }
  })

  test('differs if a group adds arguments, but not if the machine has the same answer file itself', () => {
    const withGroup = (assignment: Assignment) => catalogOf({ images: debian, groups: [{ name: 'g', assignment }] })
    const same = (added: Assignment, own: Assignment) =>
      isSameNextBoot(boots(withGroup({}), own), boots(withGroup(added), own))
    expect(same({ args: ['quiet'] }, { image: 'debian' })).toBe(false)
    expect(same({ answerFile: 'other' }, { image: 'debian', answerFile: 'own' })).toBe(true)
    expect(same({ bootProgram: 'ipxe.efi' }, { image: 'debian' })).toBe(false)
  })

  test('differs if an entry changes in a menu that its menu leads to, or the version of an image in it', () => {
    const menus = (text: string) => ({
      main: [{ name: 'more', text: 'More', kind: 'menu' as const, menu: 'sub' }],
      sub: [
        { name: 'd', text, kind: 'image' as const, image: 'debian' },
        { name: 'back', text: 'Back', kind: 'menu' as const, menu: 'main' },
      ],
    })
    const show = (text: string, images: Parameters<typeof catalogOf>[0]['images'] = debian) =>
      boots(catalogOf({ menus: menus(text), images: images ?? {} }), { menu: 'main' })
    expect(isSameNextBoot(show('a'), show('a'))).toBe(true)
    expect(isSameNextBoot(show('a'), show('b'))).toBe(false)
    expect(isSameNextBoot(show('a'), show('a', {}))).toBe(false)
  })
})

test('machines are counted by what they boot before and after, the largest number first', () => {
  const catalog = catalogOf({ images: debian, versions })
  const machine = (assignment: Assignment) => machineOf({ assignment, facts })
  const pinned = machine({ image: 'debian', version: 2 })
  const current = machine({ image: 'debian' })
  expect(
    compareMachines(catalog, catalog, [
      { before: pinned, after: current },
      { before: pinned, after: current },
      { before: current, after: current },
      { before: undefined, after: current },
      { before: current, after: machine({ image: 'debian', args: ['quiet'] }) },
    ]),
  ).toEqual({
    ...{ machines: 4, checked: 5, more: false },
    changes: [
      { before: 'image debian version 2', after: 'image debian version 3', machines: 2 },
      { before: 'nothing: there is no such machine', after: 'image debian version 3', machines: 1 },
      { before: 'image debian version 3', after: 'image debian version 3, in another way', machines: 1 },
    ],
  })
})
