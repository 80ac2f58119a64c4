import { describe, expect, test } from 'vitest'
import { saveImage } from '../../src/inventory/images/images.ts'
import { saveGroup } from '../../src/inventory/machines/groups.ts'
import { saveMachine } from '../../src/inventory/machines/machines.ts'
import { savePolicy } from '../../src/inventory/machines/policy.ts'
import type { Arch, Platform } from '../../src/model/arch.ts'
import type { Assignment, Params } from '../../src/model/assignment.ts'
import { type Facts, targetOf } from '../../src/model/facts.ts'
import { findVariant, type Variant } from '../../src/model/image.ts'
import { eachDatabase } from '../helpers/database.ts'
import {
  catalogOf,
  decisionFor,
  deploymentOf,
  file,
  type GroupParts,
  linux,
  mac,
  machineOf,
  situationOf,
} from '../helpers/decide.ts'
import { testRoster } from '../helpers/roster.ts'

const debian = { debian: [linux('x86_64')], other: [linux('x86_64')], third: [linux('x86_64')] }

describe('the architecture and firmware of a machine', () => {
  test.each<[string, Facts, Facts, object]>([
    ['says both', { platform: 'efi', buildarch: 'arm64' }, {}, { arch: 'arm64', platform: 'efi', assumed: [] }],
    ['says nothing', {}, {}, { arch: 'x86_64', platform: 'efi', assumed: ['platform efi', 'arch x86_64'] }],
    [
      'is a 64-bit BIOS machine with an i386 iPXE',
      { platform: 'pcbios', buildarch: 'i386', cpuarch: 'x86_64' },
      {},
      { arch: 'x86_64', platform: 'pcbios', assumed: [] },
    ],
    [
      'is a 32-bit BIOS machine',
      { platform: 'pcbios', buildarch: 'i386', cpuarch: 'i386' },
      {},
      { arch: 'i386', platform: 'pcbios', assumed: [] },
    ],
    [
      'is a BIOS machine that does not say its processor',
      { platform: 'pcbios', buildarch: 'i386' },
      {},
      { arch: 'x86_64', platform: 'pcbios', assumed: ['arch x86_64'] },
    ],
    [
      'is a 32-bit UEFI machine',
      { platform: 'efi', buildarch: 'i386', cpuarch: 'x86_64' },
      {},
      { arch: 'i386', platform: 'efi', assumed: [] },
    ],
    [
      'said it before',
      { mac },
      { platform: 'pcbios', buildarch: 'i386', cpuarch: 'i386' },
      { arch: 'i386', platform: 'pcbios', assumed: [] },
    ],
  ])('that %s', (_, facts, remembered, expected) => {
    expect(targetOf(facts, remembered)).toEqual(expected)
  })
})

describe('the variant for a machine', () => {
  const efi: Variant = { kind: 'efi', arch: 'x86_64', file, args: [] }
  test.each<[string, Variant[], Arch, Platform, number | undefined]>([
    [
      'its own arch and platform',
      [linux('arm64', 'efi'), linux('x86_64', 'pcbios'), linux('x86_64', 'efi')],
      'x86_64',
      'efi',
      2,
    ],
    ['its platform before every platform', [linux('x86_64'), linux('x86_64', 'efi')], 'x86_64', 'efi', 1],
    ['every platform when there is none for its own', [linux('x86_64'), linux('x86_64', 'efi')], 'x86_64', 'pcbios', 0],
    ['i386 on a 64-bit BIOS machine', [linux('i386')], 'x86_64', 'pcbios', 0],
    ['x86_64 before i386 on a 64-bit BIOS machine', [linux('i386', 'pcbios'), linux('x86_64')], 'x86_64', 'pcbios', 1],
    ['no i386 on 64-bit UEFI', [linux('i386')], 'x86_64', 'efi', undefined],
    ['no x86_64 on a 32-bit machine', [linux('x86_64')], 'i386', 'pcbios', undefined],
    ['no EFI program on a BIOS', [efi], 'x86_64', 'pcbios', undefined],
    ['i386 on a BIOS when x86_64 is an EFI program', [efi, linux('i386')], 'x86_64', 'pcbios', 1],
    ['none of none', [], 'x86_64', 'efi', undefined],
  ])('is %s', (_, variants, arch, platform, index) => {
    expect(findVariant(variants, { arch, platform })).toBe(index === undefined ? undefined : variants[index])
  })
})

describe('a decision', () => {
  test('refuses a machine whose identity is in conflict, before anything else', () => {
    const why = 'several machines match: a by MAC x, b by UUID y'
    const decision = decisionFor(
      situationOf({
        identity: {
          conflict: [machineOf(), machineOf({ id: '2' })],
          why,
          nextStep: 'bootwright machine set b --clear-uuid',
        },
        catalog: catalogOf({ policy: { kind: 'wait' } }),
      }),
    )
    expect(decision.spec).toEqual({
      kind: 'refusal',
      code: 'BW-CONFLICT',
      reason: why,
      nextStep: 'bootwright machine set b --clear-uuid',
    })
    expect(decision).not.toHaveProperty('machine')
  })

  test('refuses a denied machine with an assignment and a deployment', () => {
    const { spec } = decisionFor(
      situationOf({
        machine: machineOf({ denied: true, assignment: { image: 'debian' } }),
        deployment: deploymentOf(),
        catalog: catalogOf({ images: debian }),
      }),
    )
    expect(spec).toEqual({
      kind: 'refusal',
      code: 'BW-DENIED',
      reason: 'machine n1 is denied',
      nextStep: `to allow it: bootwright machine set ${mac} --allow`,
    })
  })

  test("prefers the machine's assignment over groups and policy, and explains all candidates", () => {
    const decision = decisionFor(
      situationOf({
        machine: machineOf({ assignment: { image: 'debian', args: ['ip=dhcp'], params: { disk: 'sda' } } }),
        catalog: catalogOf({
          policy: { kind: 'wait' },
          images: debian,
          groups: [
            { name: 'all', assignment: { image: 'other', args: ['console=ttyS0'], params: { disk: 'vda', dns: 'x' } } },
            { name: 'not', selector: [{ fact: 'arch', equals: 'arm64' }], assignment: { image: 'third' } },
          ],
        }),
      }),
    )
    expect(decision).toEqual({
      target: { arch: 'x86_64', platform: 'efi', assumed: [] },
      machine: { id: '1', name: 'n1', discovered: false, hostname: 'n1', labels: {} },
      identity: { by: `MAC ${mac}`, byMac: true },
      image: { name: 'debian', version: 3 },
      groups: ['all'],
      params: { disk: 'sda', dns: 'x' },
      notices: [],
      spec: { kind: 'linux', kernel: file, initrds: [], args: ['quiet', 'console=ttyS0', 'ip=dhcp'] },
      reasons: [
        { candidate: 'machine n1', won: true, why: `identified by MAC ${mac}` },
        { candidate: 'assignment', won: true, why: 'the machine is assigned image debian' },
        {
          candidate: 'group all (priority 0, 0 conditions)',
          won: false,
          why: 'matches, and would boot image other, but the machine has an assignment of its own; its args, params apply',
        },
        { candidate: 'policy wait', won: false, why: 'the machine has an assignment of its own' },
        { candidate: 'variant x86_64 any platform of debian version 3', won: true, why: 'matches x86_64 efi' },
      ],
    })
  })

  test.each(['local', 'wait'] as const)('follows the policy %s for an unknown machine', (kind) => {
    const decision = decisionFor(situationOf({ catalog: catalogOf({ policy: { kind } }) }))
    expect([decision.spec.kind, decision.machine]).toEqual([kind, undefined])
    expect(decision.reasons.slice(0, 3).map(({ candidate, won }) => [candidate, won])).toEqual([
      ['identity', false],
      ['assignment', false],
      [`policy ${kind}`, true],
    ])
  })

  test('refuses a missing image, and an image without a matching variant', () => {
    const policy = { kind: 'image', image: 'debian' } as const
    expect(decisionFor(situationOf({ catalog: catalogOf({ policy }) })).spec).toEqual({
      kind: 'refusal',
      code: 'BW-NO-IMAGE',
      reason: 'there is no image debian',
      nextStep: 'to add it: bootwright image add debian; to see what refers to it: bootwright explain MAC',
    })
    const images = { debian: [linux('arm64', 'efi'), linux('i386')] }
    expect(decisionFor(situationOf({ catalog: catalogOf({ policy, images }) })).spec).toEqual({
      kind: 'refusal',
      code: 'BW-NO-VARIANT',
      reason: 'image debian has no variant for x86_64 efi; existing variants: arm64 efi, i386 any platform',
      nextStep: 'to add one: bootwright image add debian --arch x86_64',
    })
  })

  test('refuses a pinned version that does not exist, and boots no other', () => {
    const policy = { kind: 'image', image: 'debian', version: 2 } as const
    expect(decisionFor(situationOf({ catalog: catalogOf({ policy, images: debian }) })).spec).toEqual({
      kind: 'refusal',
      code: 'BW-NO-VERSION',
      reason: 'image debian has no version 2',
      nextStep:
        'to list the versions: bootwright image versions debian; to see what pins the version: bootwright explain MAC',
    })
  })

  test('lists what was assumed, and which machines were passed over', () => {
    const identity = {
      machine: machineOf(),
      matchedBy: 'UUID u',
      byMac: true,
      passedOver: ['m2 has the same MAC, but no operator entered it'],
      notices: [],
    }
    const catalog = catalogOf({ policy: { kind: 'image', image: 'debian' }, images: debian })
    const { reasons } = decisionFor(situationOf({ facts: { mac }, identity, catalog }))
    expect(reasons).toContainEqual({
      candidate: 'identity',
      won: false,
      why: 'm2 has the same MAC, but no operator entered it',
    })
    expect(reasons.at(-1)?.why).toBe('matches x86_64 efi, assuming platform efi and arch x86_64')
  })

  test('has the answer file of the strongest assignment, in its current version', () => {
    const groups = [{ name: 'a', priority: 1, assignment: { image: 'debian', answerFile: 'weak' } }]
    const catalog = catalogOf({ images: debian, groups, answerFiles: ['weak', 'own'] })
    const machine = machineOf({ assignment: { answerFile: 'own' } })
    expect(decisionFor(situationOf({ catalog })).answerFile).toEqual({ name: 'weak', version: 2 })
    expect(decisionFor(situationOf({ catalog, machine })).answerFile).toEqual({ name: 'own', version: 2 })
  })
})

describe('matching groups', () => {
  const pick = (groups: GroupParts[], more: Partial<Parameters<typeof catalogOf>[0]> = {}) =>
    decisionFor(
      situationOf({
        machine: machineOf({ labels: { rack: 'b4' } }),
        catalog: catalogOf({ images: debian, groups, ...more }),
      }),
    )
  const says = (image: string): Assignment => ({ image })
  const arch = { fact: 'arch', equals: 'x86_64' } as const
  const rack = { label: 'rack', equals: 'b4' } as const

  test.each<[string, GroupParts[], string]>([
    [
      'the higher priority',
      [
        { name: 'a', assignment: says('debian') },
        { name: 'b', priority: 1, assignment: says('other') },
      ],
      'other',
    ],
    [
      'a negative priority last',
      [
        { name: 'a', priority: -1, assignment: says('debian') },
        { name: 'b', assignment: says('other') },
      ],
      'other',
    ],
    [
      'more conditions',
      [
        { name: 'a', selector: [arch], assignment: says('debian') },
        { name: 'b', selector: [arch, rack], assignment: says('other') },
      ],
      'other',
    ],
    [
      'priority before conditions',
      [
        { name: 'a', priority: 1, assignment: says('debian') },
        { name: 'b', selector: [arch, rack], assignment: says('other') },
      ],
      'debian',
    ],
    [
      'the name where all else is the same',
      [
        { name: 'b', assignment: says('debian') },
        { name: 'a', assignment: says('other') },
      ],
      'other',
    ],
    [
      'the first that names an image',
      [
        { name: 'a', priority: 9, assignment: { args: ['x'] } },
        { name: 'b', assignment: says('other') },
      ],
      'other',
    ],
  ])('are ordered by %s', (_, groups, image) => {
    expect(pick(groups).image?.name).toBe(image)
    expect(pick([...groups].reverse()).image?.name).toBe(image)
  })

  test('append their args and merge their params, the weakest first', () => {
    const { spec, params, groups } = pick([
      { name: 'strong', priority: 2, assignment: { args: ['s'], params: { a: 's', b: 's' } } },
      { name: 'weak', priority: 0, assignment: { image: 'debian', args: ['w'], params: { a: 'w', c: 'w' } } },
      { name: 'middle', priority: 1, assignment: { args: ['m'], params: { b: 'm', c: 'm' } } },
    ])
    expect(spec).toMatchObject({ args: ['quiet', 'w', 'm', 's'] })
    expect(params).toEqual({ a: 's', b: 's', c: 'm' })
    expect(groups).toEqual(['weak', 'middle', 'strong'])
  })

  test('with the same rank are named in the reasons', () => {
    const { reasons } = pick([
      { name: 'a', priority: 5, selector: [arch], assignment: says('debian') },
      { name: 'b', priority: 5, selector: [rack], assignment: says('other') },
    ])
    expect(reasons.filter(({ candidate }) => candidate.startsWith('group'))).toEqual([
      {
        candidate: 'group a (priority 5, 1 condition)',
        won: true,
        why: 'matches, and boots image debian; group b has the same priority and number of conditions, so the name decides',
      },
      {
        candidate: 'group b (priority 5, 1 condition)',
        won: false,
        why: 'matches, and would boot image other, but group a comes first by name; group a has the same priority and number of conditions, so the name decides',
      },
    ])
  })

  test('may assign local boot or a menu, with matching methods and entries', () => {
    const disk = pick([{ name: 'a', assignment: { local: true, localBoot: { efi: { file: '\\EFI\\x.efi' } } } }])
    expect(disk.spec).toEqual({ kind: 'local', method: { file: '\\EFI\\x.efi' } })
    const menus = {
      main: [
        { name: 'install', text: 'Install', kind: 'image', image: 'debian' },
        { name: 'arm', text: 'Arm', kind: 'image', image: 'debian', archs: ['arm64'] },
        { name: 'bios', text: 'Bios', kind: 'local', platforms: ['pcbios'] },
        { name: 'gone', text: 'Gone', kind: 'image', image: 'nothing' },
        { name: 'shell', text: 'Shell', kind: 'shell', hotkey: 's' },
      ],
    } satisfies Parameters<typeof catalogOf>[0]['menus']
    const decision = pick([{ name: 'a', assignment: { menu: 'main' } }], { menus })
    expect(decision.spec).toMatchObject({
      kind: 'menu',
      menu: 'main',
      entries: [
        { name: 'install', text: 'Install' },
        { name: 'shell', text: 'Shell', hotkey: 's' },
      ],
    })
    const hidden = decision.reasons.filter(({ candidate }) => candidate.startsWith('entry'))
    expect(hidden.map(({ candidate, why }) => [candidate, why])).toEqual([
      ['entry arm of menu main', 'hidden: only for arm64'],
      ['entry bios of menu main', 'hidden: only for pcbios'],
      ['entry gone of menu main', 'hidden: there is no image nothing'],
    ])
  })

  test.each<[Platform, Assignment['localBoot'], unknown]>([
    ['pcbios', undefined, 'sanboot'],
    ['efi', undefined, 'exit-1'],
    ['pcbios', { pcbios: 'auto', efi: 'exit-0' }, 'sanboot'],
    ['efi', { pcbios: 'exit-0', efi: 'auto' }, 'exit-1'],
    ['pcbios', { pcbios: 'exit-0' }, 'exit-0'],
    ['pcbios', { pcbios: 'exit-1' }, 'exit-1'],
    ['efi', { efi: 'sanboot' }, 'sanboot'],
    ['efi', { efi: { file: '\\EFI\\a.efi' } }, { file: '\\EFI\\a.efi' }],
  ])('local boot on %s with %j is %j', (platform, localBoot, method) => {
    const machine = machineOf({ assignment: { local: true, localBoot } })
    const facts: Facts = { mac, platform, buildarch: 'x86_64' }
    expect(decisionFor(situationOf({ machine, facts })).spec).toEqual({ kind: 'local', method })
  })
})

describe('an entry chosen from a menu', () => {
  const menus = {
    main: [
      { name: 'install', text: 'Install', kind: 'image', image: 'debian', args: ['from=menu'], answerFile: 'preseed' },
      { name: 'more', text: 'More', kind: 'menu', menu: 'sub' },
      { name: 'arm', text: 'Arm', kind: 'shell', archs: ['arm64'] },
      { name: 'reboot', text: 'Restart', kind: 'reboot' },
      { name: 'disk', text: 'Disk', kind: 'local' },
    ],
    sub: [{ name: 'shell', text: 'Shell', kind: 'shell' }],
  } satisfies Parameters<typeof catalogOf>[0]['menus']
  const catalog = catalogOf({ images: debian, menus, answerFiles: ['preseed'], policy: { kind: 'menu', menu: 'main' } })
  const machine = machineOf({ assignment: { args: ['own'] } })
  const choose = (entry: string) => decisionFor(situationOf({ machine, catalog }), { menu: 'main', entry })

  test('boots its image, with its args last and its answer file', () => {
    const { spec, image, answerFile } = choose('install')
    expect(spec).toMatchObject({ kind: 'linux', args: ['quiet', 'own', 'from=menu'] })
    expect([image?.name, answerFile?.name]).toEqual(['debian', 'preseed'])
  })

  test.each([
    ['more', 'menu'],
    ['reboot', 'reboot'],
    ['disk', 'local'],
  ])('%s does %s', (entry, kind) => expect(choose(entry).spec.kind).toBe(kind))

  test('is refused if it is hidden or missing', () => {
    for (const entry of ['arm', 'nothing'])
      expect(choose(entry).spec).toMatchObject({ reason: `menu main has no entry ${entry} for this machine` })
  })

  test('wins over a deployment', () => {
    const decision = decisionFor(situationOf({ machine, catalog, deployment: deploymentOf() }), {
      menu: 'main',
      entry: 'disk',
    })
    expect([decision.spec.kind, decision.deployment]).toEqual(['local', undefined])
  })
})

describe('a pinned version', () => {
  const versions = { 'debian@2': { variants: [{ ...linux('x86_64'), args: ['old'] } as Variant], installer: false } }
  const boots = (
    parts: Parameters<typeof catalogOf>[0],
    more: Parameters<typeof situationOf>[0] = {},
    entry?: string,
  ) => {
    const catalog = catalogOf({ images: debian, versions, ...parts })
    const choice = entry === undefined ? undefined : { menu: 'main', entry }
    const { image, spec, reasons } = decisionFor(situationOf({ catalog, ...more }), choice)
    const why = reasons.find(({ won, candidate }) => won && !/^(variant|machine)/.test(candidate))?.why
    return { version: image?.version, args: 'args' in spec ? spec.args : undefined, why }
  }
  const pinned = { image: 'debian', version: 2 }

  test.each([
    [
      'a machine',
      {},
      { machine: machineOf({ assignment: pinned }) },
      'the machine is assigned image debian, pinned to version 2',
    ],
    [
      'a group',
      { groups: [{ name: 'g', assignment: pinned }] },
      {},
      'matches, and boots image debian, pinned to version 2',
    ],
    [
      'the policy',
      { policy: { kind: 'image' as const, ...pinned } },
      {},
      'no other rule decides what this machine boots, pinned to version 2',
    ],
    [
      'a deployment',
      {},
      { machine: machineOf(), deployment: deploymentOf({ version: 2 }) },
      'installs debian, attempt 1 of 3',
    ],
  ])('of %s is booted, although another version is current, and explained', (_, parts, more, why) => {
    expect(boots(parts, more)).toEqual({ version: 2, args: ['old'], why: expect.stringContaining(why) })
  })

  test('of a menu entry is booted, and another entry boots the current version', () => {
    const menus = {
      main: [
        { name: 'old', text: 'Old', kind: 'image' as const, ...pinned },
        { name: 'new', text: 'New', kind: 'image' as const, image: 'debian' },
        { name: 'gone', text: 'Gone', kind: 'image' as const, image: 'debian', version: 1 },
      ],
    }
    // A pinned deployment of the same image does not change what an entry boots.
    const more = { machine: machineOf(), deployment: deploymentOf({ version: 2 }) }
    expect(boots({ menus }, more, 'old')).toMatchObject({
      version: 2,
      why: 'a person chose it at the machine, pinned to version 2',
    })
    expect(boots({ menus }, more, 'new')).toMatchObject({ version: 3, args: ['quiet'] })
    const policy = { kind: 'menu', menu: 'main' } as const
    const { spec, reasons } = decisionFor(
      situationOf({ catalog: catalogOf({ images: debian, versions, menus, policy }) }),
    )
    expect(spec.kind === 'menu' && spec.entries.map(({ name }) => name)).toEqual(['old', 'new'])
    expect(reasons).toContainEqual({
      candidate: 'entry gone of menu main',
      won: false,
      why: 'hidden: image debian has no version 1',
    })
  })

  test('decides whether the image is an installer', () => {
    const old = { 'debian@2': { variants: [linux('x86_64')], installer: true } }
    const specOf = (assignment: Assignment) =>
      decisionFor(
        situationOf({ catalog: catalogOf({ images: debian, versions: old }), machine: machineOf({ assignment }) }),
      ).spec
    expect(specOf({ image: 'debian' }).kind).toBe('linux')
    expect(specOf(pinned)).toMatchObject({ kind: 'refusal', code: 'BW-EVERY-BOOT' })
    expect(specOf({ ...pinned, everyBoot: true }).kind).toBe('linux')
  })
})

describe('a deployment', () => {
  const machine = machineOf({ assignment: { local: true, args: ['own'], answerFile: 'own', params: { a: 1, b: 1 } } })
  const catalog = catalogOf({ images: debian, answerFiles: ['own', 'its'] })
  const decisionWith = (deployment: Parameters<typeof deploymentOf>[0]) =>
    decisionFor(situationOf({ machine, catalog, deployment: deploymentOf(deployment) }))

  test.each(['armed', 'started', 'installing'] as const)(
    'in state %s wins over the assignment of the machine',
    (state) => {
      const assignment = { args: ['d'], answerFile: 'its', params: { b: 2 } }
      const decision = decisionWith({ state, attempts: 1, assignment })
      expect(decision).toMatchObject({
        image: { name: 'debian' },
        answerFile: { name: 'its' },
        params: { a: 1, b: 2 },
        deployment: { id: 'd1', attempt: 2, maxAttempts: 3 },
        spec: { args: ['quiet', 'own', 'd'] },
        notices: [],
      })
      expect(decision.reasons[1]).toEqual({
        candidate: 'deployment d1',
        won: true,
        why: 'installs debian, attempt 2 of 3',
      })
    },
  )

  test.each<[string, Parameters<typeof deploymentOf>[0], string[]]>([
    ['installed', { state: 'installed' }, []],
    ['cancelled', { state: 'cancelled' }, []],
    ['failed', { state: 'failed', reason: 'no disk' }, ['the installation of debian failed: no disk']],
    [
      'out of attempts',
      { state: 'installing', attempts: 3 },
      ['the installation of debian failed: 3 of 3 attempts were used, but the machine never reported an end'],
    ],
    [
      'out of time',
      { state: 'started', attempts: 1, late: true },
      [
        'the installation of debian failed: timeout: the machine did not report an end within 3600 s of the first attempt',
      ],
    ],
  ])('that is %s is not served, and a notice says why', (_, deployment, notices) => {
    const decision = decisionWith(deployment)
    expect([decision.spec.kind, decision.notices, decision.deployment]).toEqual(['local', notices, undefined])
    expect(decision.reasons[1]).toMatchObject({ candidate: 'deployment d1', won: false })
  })
})

// A second, slower implementation of the rules, compared for hundreds of random inventories.
describe('selection and merging', () => {
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32
  }
  const names = ['debian', 'other', 'third']

  test.each(Array.from({ length: 400 }, (_, seed) => seed))('follow the rules in inventory %i', (seed) => {
    const next = random(seed + 1)
    const int = (most: number) => Math.floor(next() * most)
    const assignment = (): Assignment => ({
      ...(int(3) === 0 && { image: names[int(3)] }),
      ...(int(2) === 0 && { args: [`a${int(100)}`] }),
      ...(int(2) === 0 && { params: { [`p${int(3)}`]: int(100) } }),
    })
    const labels = Object.fromEntries(['x', 'y', 'z'].map((key) => [key, String(int(2))]))
    type RandomGroup = Omit<GroupParts, 'selector'> & {
      priority: number
      selector: { label: string; equals: string }[]
    }
    const groups: RandomGroup[] = Array.from({ length: int(12) }, (_, index) => ({
      name: `g${(index * 7) % 12}`,
      priority: int(3),
      selector: ['x', 'y', 'z'].slice(0, int(4)).map((label) => ({ label, equals: String(int(2)) })),
      assignment: assignment(),
    }))
    const own = assignment()
    const machine = machineOf({ labels, assignment: own })
    const policy = int(2) === 0 ? ({ kind: 'image', image: 'third' } as const) : ({ kind: 'local' } as const)
    const decision = decisionFor(situationOf({ machine, catalog: catalogOf({ policy, groups, images: debian }) }))

    const fit = groups.filter((group) => group.selector.every(({ label, equals }) => labels[label] === equals))
    // Weakest to strongest, by bubbling up.
    const before = (a: (typeof fit)[number], b: (typeof fit)[number]) => {
      if (a.priority !== b.priority) return a.priority < b.priority
      if (a.selector.length !== b.selector.length) return a.selector.length < b.selector.length
      return a.name > b.name
    }
    for (let end = fit.length - 1; end > 0; end--)
      for (let at = 0; at < end; at++) {
        const [a, b] = [fit[at], fit[at + 1]] as [(typeof fit)[number], (typeof fit)[number]]
        if (!before(a, b)) [fit[at], fit[at + 1]] = [b, a]
      }
    const params: Params = {}
    const args: string[] = ['quiet']
    let image: string | undefined = policy.kind === 'image' ? policy.image : undefined
    for (const assignment of [...fit.map((group) => group.assignment), own]) {
      Object.assign(params, assignment?.params)
      args.push(...(assignment?.args ?? []))
      image = assignment?.image ?? image
    }
    expect(decision.image?.name).toBe(image)
    expect(decision.params).toEqual(params)
    expect(decision.groups).toEqual(fit.map((group) => group.name))
    if (image !== undefined) expect(decision.spec).toMatchObject({ args })
    expect(
      decision.reasons.filter(({ won, candidate }) => won && /^(assignment|group|policy)/.test(candidate)).length,
    ).toBe(1)
  })
})

eachDatabase('what a decision depends on', (database) => {
  const local: Variant[] = [{ kind: 'local', arch: 'x86_64' }]

  test('depend on the machine, found by its UUID in the other byte order, and on the catalog', async () => {
    const db = database()
    await saveImage(db, 'own', { variants: local }, {}, 'tester')
    const { machine: entered } = await saveMachine(
      db,
      { mac: '52:54:00:00:00:01' },
      { uuid: '4c4c4544-0042-3510-8054-b7c04f4e3332', assignment: { image: 'own' } },
      {},
      'tester',
    )
    const find = testRoster(db).findSituation
    const found = await find({ mac, uuid: '44454c4c-4200-1035-8054-b7c04f4e3332' })
    expect(found.identity).toMatchObject({ machine: { id: entered.id, macs: ['52:54:00:00:00:01'] } })
    expect([...found.catalog.images.keys()]).toEqual(['own'])
    expect((await find({ mac })).identity).toEqual({ notices: [], claimed: [] })
  })

  test('are current in the next script, also after another instance changes the catalog', async () => {
    const db = database()
    const [here, there] = [testRoster(db).findSituation, testRoster(db).findSituation]
    expect((await here({ mac })).catalog.groups).toEqual([])
    await there({ mac })
    for (const name of ['a', 'b', 'c']) {
      const content = { title: '', priority: 0, selector: [], assignment: { params: { name } } }
      await saveGroup(db, name, content, {}, 'tester')
      for (const find of [here, there]) expect((await find({ mac })).catalog.groups.at(-1)?.name).toBe(name)
    }
    await savePolicy(db, { kind: 'wait' }, 'tester')
    expect((await here({ mac })).catalog.policy).toEqual({ kind: 'wait' })
  })

  test('are correct for many parallel requests', async () => {
    const db = database()
    const macs = Array.from({ length: 60 }, (_, n) => `52:54:00:00:01:${n.toString(16).padStart(2, '0')}`)
    for (const mac of macs.slice(0, 30))
      await saveMachine(db, { mac }, { hostname: `h${mac.replaceAll(':', '')}` }, {}, 'tester')
    const find = testRoster(db).findSituation
    const found = await Promise.all(macs.map((mac) => find({ mac })))
    const names = found.map(({ identity }) =>
      identity && 'machine' in identity ? identity.machine.macs[0] : undefined,
    )
    expect(names).toEqual(macs.map((mac, index) => (index < 30 ? mac : undefined)))
  })
})
