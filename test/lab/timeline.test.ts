import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { dhcpAddress } from '../../scripts/lab/net.ts'
import type { Timeline } from '../../src/api/schemas/boots/timeline.ts'
import { assignLab, bootLinux, bootTimeoutMs, describeWholeLab } from './lab-tests.ts'

describeWholeLab('the timeline of a real machine', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab({ BOOTWRIGHT_PROXY_DHCP: 'eth0' })
  })
  afterAll(() => lab?.close())

  test('tells a boot from DHCP to the report of Linux, without a gap', {
    timeout: bootTimeoutMs + 20_000,
  }, async () => {
    const mac = '52:54:00:6c:0e:01'
    await assignLab(lab, mac)
    await bootLinux(lab, { firmware: 'efi-x86_64', mac }, bootRules.router)
    const { attempts, addresses } = (await lab.server.api('GET', `/machines/${mac}/timeline`)) as Timeline
    const [attempt] = attempts
    expect(attempts).toHaveLength(1)
    expect(attempt?.boot).toMatchObject({ outcome: 'booted', image: 'lab' })
    expect(addresses).toHaveLength(1)
    expect(attempt?.gaps).toEqual([])
    const story = attempt?.lines.map(({ stage, kind, file }) => [stage, kind, file].filter(Boolean).join(' '))
    expect(story).toEqual([
      'dhcp offered snponly.efi',
      'dhcp accepted',
      'dhcp answered snponly.efi',
      'nbp snponly.efi',
      // iPXE of 2025 finds it beside the boot program, and then uses DHCP.
      'bootstrap autoexec.ipxe',
      'dhcp offered http://10.99.0.2:8080/boot.ipxe',
      'dhcp accepted',
      'script',
      'kernel vmlinuz',
      'initrd initrd.cpio',
      'ready',
      'booted',
    ])
    expect(attempt?.lines.map(({ message }) => message)).toContain(
      `accepted ${addresses[0]} from the DHCP server ${dhcpAddress}`,
    )
  })
})
