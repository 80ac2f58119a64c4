import { describe, expect, test } from 'vitest'
import { chooseBootProgram, resolveBootProgram } from '../../src/decide/boot-program.ts'
import { saveGroup } from '../../src/inventory/machines/groups.ts'
import { saveMachine } from '../../src/inventory/machines/machines.ts'
import { eachDatabase } from '../helpers/database.ts'
import { catalogOf, mac, machineOf, situationOf } from '../helpers/decide.ts'
import { testRoster } from '../helpers/roster.ts'

const nbps = ['undionly.kpxe', 'ipxe.efi', 'snponly.efi', 'ipxe-arm64.efi'].map((name) => ({ name }))
const choose = (situation: Parameters<typeof situationOf>[0] = {}, code = 7, present = nbps) =>
  chooseBootProgram(situationOf(situation), code, present)
const usb = { name: 'usb', assignment: { bootProgram: 'ipxe.efi' } }

describe('the boot program of a machine', () => {
  test('is the default for its firmware', () => {
    expect(choose()).toEqual({ bootProgram: 'snponly.efi', why: 'the default for UEFI x86-64' })
    expect(choose({}, 0)).toEqual({ bootProgram: 'undionly.kpxe', why: 'the default for BIOS' })
  })

  test('is its own choice before that of a group', () => {
    const machine = machineOf({ assignment: { bootProgram: 'snponly.efi', proxy: 'both' } })
    expect(choose({ machine, catalog: catalogOf({ groups: [usb] }) })).toEqual({
      machine: { id: '1', name: 'n1', discovered: false },
      bootProgram: 'snponly.efi',
      proxy: 'both',
      why: 'machine n1 chooses it',
    })
  })

  test('is the choice of the strongest group that names one', () => {
    const groups = [
      { ...usb, priority: 1 },
      { name: 'top', priority: 9, assignment: { local: true as const, proxy: 'pxe10' as const } },
      { name: 'low', assignment: { bootProgram: 'snponly.efi', proxy: 'binl' as const } },
    ]
    const machine = machineOf({ assignment: { args: ['quiet'] } })
    expect(choose({ machine, catalog: catalogOf({ groups }) })).toMatchObject({
      bootProgram: 'ipxe.efi',
      proxy: 'pxe10',
      why: 'group usb chooses it',
    })
  })

  test('is the default, with the reason, if the choice does not fit the firmware or is absent', () => {
    const catalog = catalogOf({ groups: [usb] })
    expect(choose({ catalog }, 11)).toEqual({
      bootProgram: 'ipxe-arm64.efi',
      why: 'group usb chooses ipxe.efi, but ipxe.efi is not for UEFI arm64: the default for UEFI arm64',
    })
    expect(choose({ catalog }, 7, [{ name: 'snponly.efi' }])).toMatchObject({
      bootProgram: 'snponly.efi',
      why: 'group usb chooses ipxe.efi, but ipxe.efi is not among the boot programs: the default for UEFI x86-64',
    })
  })

  test.each([
    [27, 'no boot program for UEFI RISC-V, 64 bits is present; expected snponly-riscv64.efi or ipxe-riscv64.efi'],
    [12, 'firmware of kind 12 in option 93 is unknown'],
    [
      41,
      'The ROM loads start4.elf and other files of its own, never a boot program. With UEFI firmware on it, a Raspberry Pi sends code 11.',
    ],
  ])('does not exist for code %i, with the reason', (code, why) => {
    expect(choose({}, code)).toEqual({ why })
  })

  test('is that of other machines if the machine is denied: its screen then says why it is refused', () =>
    expect(choose({ machine: machineOf({ denied: true }) })).toMatchObject({ bootProgram: 'snponly.efi' }))
})

eachDatabase('the boot program in the inventory', (database) => {
  const deps = () => ({
    inventory: { findSituation: testRoster(database()).findSituation },
    nbps: new Map(nbps.map((nbp) => [nbp.name, nbp])),
  })

  test('follows machines by MAC, and groups by firmware and by subnet', async () => {
    const group = (name: string, selector: object[], bootProgram: string) =>
      saveGroup(
        database(),
        name,
        { title: '', priority: 0, selector: selector as never, assignment: { bootProgram } },
        {},
        'tester',
      )
    await saveMachine(database(), { mac } as never, { assignment: { bootProgram: 'ipxe.efi' } }, {}, 'tester')
    await group(
      'subnet',
      [
        { fact: 'ip', cidr: '10.7.0.0/16' },
        { fact: 'arch', equals: 'x86_64' },
      ],
      'ipxe.efi',
    )
    const nameFor = async (facts: object) => (await resolveBootProgram(deps(), facts as never)).bootProgram
    expect(await nameFor({ mac, code: 7 })).toBe('ipxe.efi')
    expect(await nameFor({ mac, code: 11 })).toBe('ipxe-arm64.efi')
    const other = '52:54:00:00:00:99'
    expect(await nameFor({ mac: other, code: 7 })).toBe('snponly.efi')
    expect(await nameFor({ mac: other, code: 7, ip: '10.7.1.1' })).toBe('ipxe.efi')
    expect(await nameFor({ mac: other, code: 0, ip: '10.7.1.1' })).toBe('undionly.kpxe')
    expect(await resolveBootProgram(deps(), { mac, code: 7 } as never)).toMatchObject({
      machine: { discovered: false },
      why: `machine ${mac} chooses it`,
    })
  })
})
