import { describe, expect, test } from 'vitest'
import type { Arch, Platform } from '../../src/arch.ts'
import { decide, findSituation, type Situation } from '../../src/inventory/decision.ts'
import { type Facts, targetOf } from '../../src/inventory/facts.ts'
import { findVariant, type Image, saveImage, type Variant } from '../../src/inventory/images.ts'
import { type Machine, saveMachine } from '../../src/inventory/machines.ts'
import { savePolicy } from '../../src/inventory/policy.ts'
import { eachDatabase } from '../helpers/database.ts'

const file = { sha256: 'a'.repeat(64), name: 'a' }
const now = new Date(0)
const mac = '52:54:00:12:34:56'
const facts: Facts = { mac, platform: 'efi', buildarch: 'x86_64' }
const linux = (arch: Arch, platform?: Platform): Variant => ({
  kind: 'linux',
  arch,
  ...(platform && { platform }),
  kernel: file,
  initrds: [],
  args: ['quiet'],
})
const image = (variants: Variant[]): Image => ({
  name: 'debian',
  title: 'Debian',
  version: 3,
  variants,
  createdAt: now,
  updatedAt: now,
})
const machine = (known: Partial<Machine> = {}): Machine => ({
  id: '1',
  discovered: false,
  denied: false,
  macs: [mac],
  hostname: 'n1',
  labels: {},
  facts: {},
  createdAt: now,
  updatedAt: now,
  ...known,
})
const situation = (known: Partial<Situation>): Situation => ({
  facts,
  identity: undefined,
  policy: { kind: 'local' },
  image: undefined,
  ...known,
})
const known = (one: Machine): Situation['identity'] => ({ machine: one, matchedBy: `MAC ${mac}`, passedOver: [] })

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
  ])('that %s', (_, said, remembered, expected) => {
    expect(targetOf(said, remembered)).toEqual(expected)
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
    const why = 'two machines claim it: a by MAC x, b by UUID y'
    const decision = decide(
      situation({ identity: { conflict: [machine(), machine({ id: '2' })], why }, policy: { kind: 'wait' } }),
    )
    expect(decision.spec).toEqual({
      kind: 'refusal',
      reason: why,
      nextStep: 'remove the MAC, UUID or serial from the machine that it is not',
    })
    expect(decision).not.toHaveProperty('machine')
  })

  test('refuses a denied machine whatever it is assigned', () => {
    const { spec } = decide(
      situation({
        identity: known(machine({ denied: true, assignment: { image: 'debian' } })),
        image: image([linux('x86_64')]),
      }),
    )
    expect(spec).toEqual({
      kind: 'refusal',
      reason: 'machine n1 is denied',
      nextStep: 'set denied to false if it may boot',
    })
  })

  test("takes the machine's own assignment before the policy, with its arguments last", () => {
    const decision = decide(
      situation({
        identity: known(machine({ assignment: { image: 'debian', args: ['ip=dhcp'] } })),
        policy: { kind: 'wait' },
        image: image([linux('x86_64')]),
      }),
    )
    expect(decision).toEqual({
      target: { arch: 'x86_64', platform: 'efi', assumed: [] },
      machine: { id: '1', name: 'n1', discovered: false, hostname: 'n1', labels: {} },
      image: { name: 'debian', version: 3 },
      spec: { kind: 'linux', kernel: file, initrds: [], args: ['quiet', 'ip=dhcp'] },
      reasons: [
        { candidate: 'machine n1', won: true, why: `known by MAC ${mac}` },
        { candidate: 'assignment', won: true, why: 'the machine is assigned image debian' },
        { candidate: 'policy wait', won: false, why: 'only for machines without an assignment' },
        { candidate: 'variant x86_64 any platform of debian version 3', won: true, why: 'it fits x86_64 efi' },
      ],
    })
  })

  test.each(['local', 'wait'] as const)('takes the policy %s for a machine that nobody knows', (kind) => {
    const decision = decide(situation({ policy: { kind } }))
    expect([decision.spec, decision.machine]).toEqual([{ kind }, undefined])
    expect(decision.reasons.map((one) => [one.candidate, one.won])).toEqual([
      ['identity', false],
      ['assignment', false],
      [`policy ${kind}`, true],
    ])
  })

  test("takes the policy's image, with the arguments of a machine that names no image", () => {
    const { spec } = decide(
      situation({
        identity: known(machine({ assignment: { args: ['x'] } })),
        policy: { kind: 'image', image: 'debian' },
        image: image([linux('x86_64')]),
      }),
    )
    expect(spec).toMatchObject({ kind: 'linux', args: ['quiet', 'x'] })
  })

  test('refuses an image that does not exist, and one with no variant that fits', () => {
    const policy = { kind: 'image', image: 'debian' } as const
    expect(decide(situation({ policy })).spec).toEqual({
      kind: 'refusal',
      reason: 'there is no image debian',
      nextStep: 'add it, or assign another',
    })
    expect(decide(situation({ policy, image: image([linux('arm64', 'efi'), linux('i386')]) })).spec).toEqual({
      kind: 'refusal',
      reason: 'image debian has no variant for x86_64 efi',
      nextStep: 'it has arm64 efi, i386 any platform: add one, or assign another image',
    })
  })

  test('says what it had to assume, and who was passed over', () => {
    const identity: Situation['identity'] = {
      machine: machine(),
      matchedBy: 'UUID u',
      passedOver: ['m2 has the same MAC but was only discovered'],
    }
    const { reasons } = decide(
      situation({
        facts: { mac },
        identity,
        policy: { kind: 'image', image: 'debian' },
        image: image([linux('x86_64')]),
      }),
    )
    expect(reasons).toContainEqual({
      candidate: 'identity',
      won: false,
      why: 'm2 has the same MAC but was only discovered',
    })
    expect(reasons.at(-1)?.why).toBe('it fits x86_64 efi, assuming platform efi and arch x86_64')
  })
})

eachDatabase('what a decision depends on', (database) => {
  const local: Variant[] = [{ kind: 'local', arch: 'x86_64' }]

  test("is looked up: the machine by its UUID in the other byte order, and its own image before the policy's", async () => {
    const db = database()
    await saveImage(db, 'own', { variants: local })
    await saveImage(db, 'all', { variants: local })
    await savePolicy(db, { kind: 'image', image: 'all' })
    const { machine: entered } = await saveMachine(
      db,
      { mac: '52:54:00:00:00:01' },
      { uuid: '4c4c4544-0042-3510-8054-b7c04f4e3332', assignment: { image: 'own' } },
    )
    const found = await findSituation(db, { mac, uuid: '44454c4c-4200-1035-8054-b7c04f4e3332' })
    expect(found.identity).toMatchObject({ machine: { id: entered.id } })
    expect(found.image?.name).toBe('own')
    const stranger = await findSituation(db, { mac })
    expect([stranger.identity, stranger.image?.name]).toEqual([undefined, 'all'])
  })
})
