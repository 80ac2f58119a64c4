import { describe, expect, test } from 'vitest'
import { loadNbps } from '../../../src/files/nbps.ts'
import { firmwareKinds, nbpFor, whyNotChosen } from '../../../src/model/firmware/kinds.ts'

const names = (...present: string[]) => present.map((name) => ({ name }))
const all = names(...new Set(firmwareKinds.flatMap(({ nbps }) => nbps)))

describe('the boot program by option 93', () => {
  test.each([
    [0, 'undionly.kpxe'],
    [6, 'snponly-i386.efi'],
    [7, 'snponly.efi'],
    [9, 'snponly.efi'],
    [10, 'snponly-arm32.efi'],
    [11, 'snponly-arm64.efi'],
    [15, 'snponly-i386.efi'],
    [16, 'snponly.efi'],
    [18, 'snponly-arm32.efi'],
    [19, 'snponly-arm64.efi'],
    [20, 'undionly.kpxe'],
    [25, 'snponly-riscv32.efi'],
    [27, 'snponly-riscv64.efi'],
    [28, 'snponly-riscv64.efi'],
    [37, 'snponly-loong32.efi'],
    [39, 'snponly-loong64.efi'],
    [40, 'snponly-loong64.efi'],
    [41, undefined],
    [12, undefined],
    [65535, undefined],
  ])('is, for code %i, %s', (code, nbp) => {
    expect(nbpFor(code, all)).toBe(nbp)
  })

  test('is the next name if the preferred file is absent', () => {
    expect(nbpFor(7, names('ipxe.efi', 'undionly.kpxe'))).toBe('ipxe.efi')
    expect(nbpFor(11, names('ipxe-arm64.efi', 'snponly.efi'))).toBe('ipxe-arm64.efi')
  })

  test.each(firmwareKinds)('is never a file for other firmware ($words)', (kind) => {
    const others = firmwareKinds.filter(({ runs }) => runs !== kind.runs).flatMap(({ nbps }) => nbps)
    expect(nbpFor(kind.code, names(...others))).toBeUndefined()
    for (const choice of others) expect(nbpFor(kind.code, all, choice)).toBe(nbpFor(kind.code, all))
    expect(nbpFor(kind.code, [])).toBeUndefined()
  })

  test('is absent if the file under its name was built for another processor', () => {
    expect(nbpFor(7, [{ name: 'snponly.efi', builtFor: 'arm64' }])).toBeUndefined()
    expect(nbpFor(7, [{ name: 'snponly.efi', builtFor: 'arm64' }, { name: 'ipxe.efi' }])).toBe('ipxe.efi')
  })

  test.each(firmwareKinds.filter(({ runs }) => runs === undefined))('explains why $words gets none', ({ note }) => {
    expect(note).toMatch(/start4\.elf/)
  })
})

describe('a chosen boot program', () => {
  test('wins if it is present and fits', () => {
    expect(nbpFor(7, all, 'ipxe.efi')).toBe('ipxe.efi')
    expect(nbpFor(16, [...all, { name: 'site.efi', builtFor: 'x86_64' }], 'site.efi')).toBe('site.efi')
    expect(nbpFor(0, names('undionly.kpxe', 'site.pxe'), 'site.pxe')).toBe('site.pxe')
    expect(whyNotChosen(7, all, 'ipxe.efi')).toBeUndefined()
  })

  test('does not win, with a reason, if it is absent or for other firmware', () => {
    expect(nbpFor(7, names('snponly.efi'), 'ipxe.efi')).toBe('snponly.efi')
    expect(whyNotChosen(7, names('snponly.efi'), 'ipxe.efi')).toBe('ipxe.efi is not among the boot programs')
    expect(nbpFor(11, all, 'ipxe.efi')).toBe('snponly-arm64.efi')
    expect(whyNotChosen(11, all, 'ipxe.efi')).toBe('ipxe.efi is not for UEFI arm64')
    expect(whyNotChosen(0, [{ name: 'site.efi', builtFor: 'x86_64' }], 'site.efi')).toBe('site.efi is not for BIOS')
    expect(whyNotChosen(12, all, 'ipxe.efi')).toBe('firmware of kind 12 in option 93 is unknown')
  })
})

test('the boot programs from setup fit the firmware that their names suggest', async () => {
  const nbps = (await loadNbps('ipxe/nbp')).values()
  const builtFor = Object.fromEntries([...nbps].map((nbp) => [nbp.name, nbp.builtFor]))
  expect(builtFor).toMatchObject({
    'ipxe.efi': 'x86_64',
    'snponly.efi': 'x86_64',
    'ipxe-arm64.efi': 'arm64',
    'undionly.kpxe': undefined,
  })
})
