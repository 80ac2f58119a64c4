import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { assignLab, bootLinux, bootTimeoutMs, describeWholeLab, expectBooted, nbpSize, nbpsOf } from './lab-tests.ts'

const limit = { timeout: bootTimeoutMs + 10_000 }

describeWholeLab('firmware of every kind', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  test('BIOS with iPXE in the network card needs no boot program', limit, async () => {
    const mac = '52:54:00:6c:01:01'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'pcbios-x86_64', mac }, bootRules.byFirmware)
    expectBooted(boot, lab, 'x86_64', ['bootstrap', 'script', 'kernel', 'initrd', 'ready', 'booted'])
  })

  test('UEFI arm64 fetches ipxe-arm64.efi and boots the same image', limit, async () => {
    const mac = '52:54:00:6c:01:02'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'efi-arm64', mac }, bootRules.byFirmware)
    expectBooted(boot, lab, 'arm64')
    expect(nbpsOf(boot)).toEqual([{ file: 'ipxe-arm64.efi', bytes: await nbpSize('ipxe-arm64.efi') }])
  })

  test('UEFI with one boot file name for all: iPXE takes autoexec.ipxe by TFTP', limit, async () => {
    const mac = '52:54:00:6c:01:03'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'efi-x86_64', mac }, bootRules.oneFile('snponly.efi'))
    expectBooted(boot, lab, 'x86_64')
    expect(boot.events.filter(({ stage }) => stage === 'bootstrap').map(({ file }) => file)).toEqual(['autoexec.ipxe'])
  })

  test('UEFI with ipxe.efi, which has drivers of its own', limit, async () => {
    const mac = '52:54:00:6c:01:04'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'efi-x86_64', mac }, bootRules.oneFileAndIpxe('ipxe.efi'))
    expectBooted(boot, lab, 'x86_64')
  })

  // Debian 12's package of January 2019, the oldest iPXE that is still in use in numbers.
  test('iPXE of 2019, UEFI', limit, async () => {
    const mac = '52:54:00:6c:01:05'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'efi-x86_64', mac }, bootRules.oneFileAndIpxe('ipxe-2019.efi'))
    expectBooted(boot, lab, 'x86_64')
  })

  test('iPXE of 2019, BIOS', limit, async () => {
    const mac = '52:54:00:6c:01:06'
    await assignLab(lab, mac)
    const boot = await bootLinux(
      lab,
      { firmware: 'pcbios-x86_64', mac },
      bootRules.oneFile('undionly-2019-from-rom.pxe'),
    )
    expectBooted(boot, lab, 'x86_64')
    expect(nbpsOf(boot).map(({ file }) => file)).toContain('undionly-2019.kpxe')
  })
})
