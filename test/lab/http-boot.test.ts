import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { assignLab, bootLinux, bootTimeoutMs, describeWholeLab, expectBooted, nbpSize, nbpsOf } from './lab-tests.ts'

describeWholeLab('UEFI HTTP Boot', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab({ BOOTWRIGHT_TFTP_LISTEN: 'off' })
  })
  afterAll(() => lab?.close())

  test('everything by HTTP, with TFTP off', { timeout: bootTimeoutMs + 10_000 }, async () => {
    const mac = '52:54:00:6c:02:01'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'efi-x86_64', mac, httpBoot: true }, bootRules.httpBoot)
    expectBooted(boot, lab, 'x86_64')
    expect(nbpsOf(boot)).toEqual([{ file: 'snponly.efi', bytes: await nbpSize('snponly.efi') }])
  })
})
