import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SiteDhcp } from '../../scripts/lab/dhcp-servers.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import type { VmOptions } from '../../scripts/lab/vm.ts'
import { hasTool } from '../helpers/needs.ts'
import {
  assignLab,
  bootBios,
  bootLinux,
  bootTimeoutMs,
  describeLab,
  describeWholeLab,
  expectBooted,
  nbpSize,
  nbpsOf,
} from './lab-tests.ts'

const limit = { timeout: bootTimeoutMs + 20_000 }

/** A server with the text that Bootwright prints for it now. */
async function printed(lab: Lab, server: SiteDhcp['server']): Promise<SiteDhcp> {
  return { server, text: (await lab.server.api('GET', `/dhcp-config/${server}`)) as string }
}

async function bootUefi(lab: Lab, server: SiteDhcp['server'], machine: VmOptions, nbp: string): Promise<void> {
  await assignLab(lab, machine.mac)
  const boot = await bootLinux(lab, machine, await printed(lab, server))
  expectBooted(boot, lab, machine.firmware === 'efi-arm64' ? 'arm64' : 'x86_64')
  expect(nbpsOf(boot)).toEqual([{ file: nbp, bytes: await nbpSize(nbp) }])
}

/** The program of each server, with its Debian package. */
const programs = {
  dnsmasq: ['dnsmasq', 'dnsmasq-base'],
  'dnsmasq-proxy': ['dnsmasq', 'dnsmasq-base'],
  isc: ['dhcpd', 'isc-dhcp-server'],
  kea: ['kea-dhcp4', 'kea-dhcp4-server'],
} as const
const whole: SiteDhcp['server'][] = ['dnsmasq-proxy', 'isc', 'kea']

describeLab('the printed configuration for dnsmasq', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  test('boots UEFI x86-64 by snponly.efi', limit, () =>
    bootUefi(lab, 'dnsmasq', { firmware: 'efi-x86_64', mac: '52:54:00:6c:0d:01' }, 'snponly.efi'),
  )

  test('boots BIOS by undionly.kpxe', limit, async () => {
    const { boot } = await bootBios(lab, '52:54:00:6c:0d:02', await printed(lab, 'dnsmasq'))
    expectBooted(boot, lab, 'x86_64')
  })
})

describeWholeLab.each(whole)('the printed configuration for %s', (server) => {
  let lab: Lab
  beforeAll(async () => {
    const [program, debianPackage] = programs[server]
    if (!hasTool(program, debianPackage)) throw new Error(`${program} is not installed`)
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  test('boots UEFI x86-64 by snponly.efi', limit, () =>
    bootUefi(lab, server, { firmware: 'efi-x86_64', mac: '52:54:00:6c:0d:11' }, 'snponly.efi'),
  )

  test('boots BIOS by undionly.kpxe', limit, async () => {
    const { boot } = await bootBios(lab, '52:54:00:6c:0d:12', await printed(lab, server))
    expectBooted(boot, lab, 'x86_64')
  })

  test.skipIf(server === 'dnsmasq-proxy')('boots UEFI HTTP Boot by snponly.efi', limit, () =>
    bootUefi(lab, server, { firmware: 'efi-x86_64', mac: '52:54:00:6c:0d:13', httpBoot: true }, 'snponly.efi'),
  )

  test('boots UEFI arm64 by ipxe-arm64.efi', limit, () =>
    bootUefi(lab, server, { firmware: 'efi-arm64', mac: '52:54:00:6c:0d:14' }, 'ipxe-arm64.efi'),
  )

  test('gives a machine the boot program of its own', limit, async () => {
    const mac = '52:54:00:6c:0d:15'
    await lab.server.api('PUT', `/machines/${mac}`, { assignment: { image: 'lab', bootProgram: 'ipxe.efi' } })
    const boot = await bootLinux(lab, { firmware: 'efi-x86_64', mac }, await printed(lab, server))
    expect(nbpsOf(boot)).toEqual([{ file: 'ipxe.efi', bytes: await nbpSize('ipxe.efi') }])
  })
})

describeWholeLab('the printed configuration for dnsmasq, further machines', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  test('boots UEFI HTTP Boot by snponly.efi', limit, () =>
    bootUefi(lab, 'dnsmasq', { firmware: 'efi-x86_64', mac: '52:54:00:6c:0d:21', httpBoot: true }, 'snponly.efi'),
  )

  test('boots UEFI arm64 by ipxe-arm64.efi', limit, () =>
    bootUefi(lab, 'dnsmasq', { firmware: 'efi-arm64', mac: '52:54:00:6c:0d:22' }, 'ipxe-arm64.efi'),
  )

  test('gives a machine the boot program of its group, and its own before that', limit, async () => {
    const macs = ['52:54:00:6c:0d:23', '52:54:00:6c:0d:24'] as const
    await lab.server.api('PUT', '/groups/usb-keyboards', {
      selector: [{ label: 'keyboard', equals: 'usb' }],
      assignment: { bootProgram: 'ipxe.efi' },
    })
    const usb = { labels: { keyboard: 'usb' } }
    await lab.server.api('PUT', `/machines/${macs[0]}`, { ...usb, assignment: { image: 'lab' } })
    await lab.server.api('PUT', `/machines/${macs[1]}`, {
      ...usb,
      assignment: { image: 'lab', bootProgram: 'snponly.efi' },
    })
    const rules = await printed(lab, 'dnsmasq')
    const boots = await Promise.all(macs.map((mac) => bootLinux(lab, { firmware: 'efi-x86_64', mac }, rules)))
    expect(boots.map((boot) => nbpsOf(boot).map(({ file }) => file))).toEqual([['ipxe.efi'], ['snponly.efi']])
  })
})
