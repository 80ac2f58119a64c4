import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { assignLab, bootLinux, bootTimeoutMs, describeLab, expectBooted, nbpSize, nbpsOf } from './lab-tests.ts'

describeLab('a first boot by TFTP', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  test('UEFI x86-64: the firmware fetches ipxe.efi, iPXE its script, and Linux reports', {
    timeout: bootTimeoutMs + 10_000,
  }, async () => {
    const mac = '52:54:00:6c:00:01'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'efi-x86_64', mac }, bootRules.byFirmware)
    expectBooted(boot, lab, 'x86_64')
    expect(nbpsOf(boot)).toEqual([{ file: 'ipxe.efi', bytes: await nbpSize('ipxe.efi') }])
  })

  test('BIOS: undionly.kpxe, its script, and Linux reports', { timeout: bootTimeoutMs + 10_000 }, async () => {
    const mac = '52:54:00:6c:00:02'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'pcbios-x86_64', mac }, bootRules.oneFile('undionly-from-rom.pxe'))
    expectBooted(boot, lab, 'x86_64')
    expect(nbpsOf(boot)).toContainEqual({ file: 'undionly.kpxe', bytes: await nbpSize('undionly.kpxe') })
  })
})
