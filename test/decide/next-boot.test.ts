import { describe, expect, test } from 'vitest'
import { compareMachines } from '../../src/decide/concerns/concerns.ts'
import { createNextBoots, createNextBootsOfTwo, isSameNextBoot } from '../../src/decide/concerns/next-boot.ts'
import type { Assignment } from '../../src/model/assignment.ts'
import type { Catalog } from '../../src/model/catalog.ts'
import type { LatestDeployment } from '../../src/model/deployment.ts'
import type { Variant } from '../../src/model/image.ts'
import {
  catalogOf,
  decisionFor,
  deploymentOf,
  file,
  type GroupParts,
  linux,
  machineOf,
  situationOf,
} from '../helpers/decide.ts'

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
    const installs = { image: 'debian', version: 2, assignment: {}, attempts: 0 }
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

  const windows: Variant = { kind: 'wimboot', arch: 'x86_64', wimboot: file, files: [file], args: [] }
  const own: Record<string, Assignment> = {
    nothing: {},
    'an image': { image: 'debian' },
    'an image with an answer file': { image: 'debian', answerFile: 'ks' },
    'an image at every boot': { image: 'debian', answerFile: 'ks', everyBoot: true },
    'an answer file that does not exist': { image: 'debian', answerFile: 'gone', everyBoot: true },
    'only an answer file': { answerFile: 'ks' },
    Windows: { image: 'windows', everyBoot: true },
  }
  const deployments: Record<string, LatestDeployment | undefined> = {
    'no deployment': undefined,
    'a deployment': deploymentOf({ assignment: { answerFile: 'ks' } }),
    'a deployment of Windows': deploymentOf({ image: 'windows' }),
    'a deployment of Windows that was begun': deploymentOf({ image: 'windows', attempts: 1 }),
  }
  const catalogs: Record<string, Partial<Parameters<typeof catalogOf>[0]>> = {
    'no group': {},
    'an installer': { installers: ['debian'] },
    'a group with an answer file': { groups: [{ name: 'g', assignment: { answerFile: 'ks' } }] },
    'a group with an image': { groups: [{ name: 'g', assignment: { image: 'debian' } }] },
    'a policy with an image': { policy: { kind: 'image', image: 'debian' } },
    'a damaged file': {
      damaged: [[debian.debian[0] as Variant, { name: 'a', kind: 'changed', damage: 'it changed' }]],
    },
  }
  const cases = Object.keys(own).flatMap((assigned) =>
    Object.keys(deployments).flatMap((deployed) =>
      Object.keys(catalogs).map((parts) => [assigned, deployed, parts] as const),
    ),
  )
  test.each(cases)('agrees with the decision for %s, %s and %s', (assigned, deployed, parts) => {
    const catalog = catalogOf({ images: { ...debian, windows: [windows] }, answerFiles: ['ks'], ...catalogs[parts] })
    const machine = machineOf({ assignment: own[assigned] ?? {}, facts })
    const deployment = deployments[deployed]
    const installs = deployment === undefined ? {} : { installs: deployment }
    const { image, spec } = decisionFor(situationOf({ catalog, machine, deployment }))
    const decided =
      spec.kind === 'refusal' ? 'nothing' : spec.kind === 'local' ? 'the local disk' : `image ${image?.name} version 3`
    const { boots } = createNextBoots(catalog)({ ...machine, ...installs })
    expect(boots.replace(/^nothing.*/, 'nothing').replace(', to install it', '')).toBe(decided)
  })

  test('differs if the answer file has another version, but not for a machine that boots its disk', () => {
    const withVersion = (version: number) => {
      const catalog = catalogOf({ images: debian, answerFiles: ['ks'], menus: { main: [] } })
      return { ...catalog, answerFiles: new Map([['ks', { name: 'ks', version, documents: [] }]]) }
    }
    const same = (assignment: Assignment, more = {}) =>
      isSameNextBoot(boots(withVersion(1), assignment, more), boots(withVersion(2), assignment, more))
    expect(same({ image: 'debian', answerFile: 'ks', everyBoot: true })).toBe(false)
    expect(same({ menu: 'main', answerFile: 'ks' })).toBe(false)
    expect(same({ local: true, answerFile: 'ks' })).toBe(true)
    expect(same({}, { installs: deploymentOf({ assignment: { answerFile: 'ks' } }) })).toBe(false)
    expect(same({}, { installs: deploymentOf() })).toBe(true)
  })

  test('differs for a machine that is being installed if a group adds arguments', () => {
    const withGroup = (assignment: Assignment) => catalogOf({ images: debian, groups: [{ name: 'g', assignment }] })
    const installing = (added: Assignment) => boots(withGroup(added), {}, { installs: deploymentOf() })
    expect(isSameNextBoot(installing({}), installing({ args: ['quiet'] }))).toBe(false)
    expect(isSameNextBoot(installing({}), installing({ image: 'debian' }))).toBe(true)
  })

  test('differs if a group adds arguments, but not if the machine has the same answer file itself', () => {
    const withGroup = (assignment: Assignment) => catalogOf({ images: debian, groups: [{ name: 'g', assignment }] })
    const same = (added: Assignment, own: Assignment) =>
      isSameNextBoot(boots(withGroup({}), own), boots(withGroup(added), own))
    expect(same({ args: ['quiet'] }, { image: 'debian' })).toBe(false)
    expect(same({ args: ['quiet'] }, { local: true })).toBe(true)
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

test('two catalogs say the same together and one by one, whatever groups differ', () => {
  const ranked = (name: string, priority: number, args: string, label = 'all'): GroupParts => ({
    ...{ name, priority, assignment: { args: [args] } },
    selector: label === 'all' ? [] : [{ label: 'rack', equals: label }],
  })
  const kept = [ranked('a', 5, 'a'), ranked('b', 3, 'b', 'b4'), ranked('c', 1, 'c')]
  const variants: GroupParts[][] = [
    kept,
    kept.slice(1),
    [...kept, ranked('d', 4, 'd')],
    [...kept, ranked('d', 4, 'd', 'b5')],
    [ranked('a', 2, 'a'), ...kept.slice(1)],
    [ranked('a', 5, 'other'), ...kept.slice(1)],
    [kept[0] as GroupParts, ranked('b', 3, 'b', 'b5'), kept[2] as GroupParts],
  ]
  const machines = ['b4', 'b5'].map((rack) => machineOf({ labels: { rack }, assignment: { image: 'debian' }, facts }))
  for (const [first, second] of variants.flatMap((a) => variants.map((b) => [a, b] as const))) {
    const [before, after] = [first, second].map((groups) => catalogOf({ images: debian, groups }))
    if (before === undefined || after === undefined) throw new Error('two catalogs')
    const together = createNextBootsOfTwo(before, after)
    for (const machine of machines) {
      const pair = { was: createNextBoots(before)(machine), is: createNextBoots(after)(machine) }
      expect({ was: together.was(machine), is: together.is(machine) }).toEqual(pair)
      expect(isSameNextBoot(together.was(machine), together.is(machine))).toBe(isSameNextBoot(pair.was, pair.is))
    }
  }
})
