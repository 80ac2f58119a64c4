import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { serverAddress } from '../../scripts/lab/net.ts'
import { assignLab, bootLinux, bootTimeoutMs, describeLab, nbpSize, nbpsOf } from './lab-tests.ts'

const limit = { timeout: bootTimeoutMs + 20_000 }
const bootUrl = `http://${serverAddress}:8080/boot.ipxe`

describeLab('proxyDHCP beside a router that knows nothing of network boot', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab({ BOOTWRIGHT_PROXY_DHCP: 'eth0' })
  })
  afterAll(() => lab?.close())

  /** The boot files that the server offered a machine, from its log. */
  function offers(mac: string): string[] {
    const lines = lab.server.process.text().split('\n')
    return lines
      .filter((line) => line.includes(`"mac":"${mac}"`) && line.includes('offered by proxyDHCP'))
      .map((line) => JSON.parse(line))
      .map(({ client, port, file }) => `${client}, ${port}: ${file}`)
  }

  test('boots UEFI x86-64 by PXE', limit, async () => {
    const mac = '52:54:00:6c:0d:01'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'efi-x86_64', mac }, bootRules.router)
    expect(nbpsOf(boot)).toEqual([{ file: 'snponly.efi', bytes: await nbpSize('snponly.efi') }])
    expect(offers(mac)).toEqual([
      'UEFI x86-64, 67: snponly.efi',
      'UEFI x86-64, 4011: snponly.efi',
      `iPXE on UEFI x86-64, 67: ${bootUrl}`,
    ])
  })

  test('boots the iPXE of a BIOS network card, without a boot program', limit, async () => {
    const mac = '52:54:00:6c:0d:02'
    await assignLab(lab, mac)
    const boot = await bootLinux(lab, { firmware: 'pcbios-x86_64', mac }, bootRules.router)
    expect(nbpsOf(boot)).toEqual([])
    expect(offers(mac)).toContain(`iPXE on BIOS, 67: ${bootUrl}`)
  })
})
