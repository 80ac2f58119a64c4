import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { addRules, dhcpAddress, serverAddress } from '../../scripts/lab/net.ts'
import { startIn } from '../../scripts/lab/process.ts'
import { farLeases, startNoise, startRelay, startSecondBootServer } from '../../scripts/lab/traffic.ts'
import { startVm, type VmOptions } from '../../scripts/lab/vm.ts'
import { seedOf } from '../helpers/seeded.ts'
import {
  assignLab,
  type BootRecord,
  bootBios,
  bootLinux,
  bootTimeoutMs,
  describeLab,
  describeWholeLab,
  lastBoot,
  nbpSize,
  nbpsOf,
} from './lab-tests.ts'

const limit = { timeout: bootTimeoutMs + 20_000 }
const bootUrl = `http://${serverAddress}:8080/boot.ipxe`

function openProxyLab(): () => Lab {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab({ BOOTWRIGHT_PROXY_DHCP: 'eth0' })
  })
  afterAll(() => lab?.close())
  return () => lab
}

/** The server's answers to a machine, from its log. */
function answers(lab: Lab, mac: string): { client: string; port: number; file: string; relay?: string }[] {
  const lines = lab.server.process.text().split('\n')
  return lines
    .filter((line) => line.includes(`"mac":"${mac}"`) && line.includes('offered by proxyDHCP'))
    .map((line) => JSON.parse(line))
}
const offers = (lab: Lab, mac: string) =>
  answers(lab, mac).map(({ client, port, file }) => `${client}, ${port}: ${file}`)

async function expectNbp(boot: BootRecord, name: string): Promise<void> {
  expect(nbpsOf(boot)).toEqual([{ file: name, bytes: await nbpSize(name) }])
}

describeLab('proxyDHCP beside a router that knows nothing of network boot', () => {
  const lab = openProxyLab()

  test('boots UEFI x86-64 by PXE', limit, async () => {
    const mac = '52:54:00:6c:0d:01'
    await assignLab(lab(), mac)
    const boot = await bootLinux(lab(), { firmware: 'efi-x86_64', mac }, bootRules.router)
    await expectNbp(boot, 'snponly.efi')
    expect(offers(lab(), mac)).toEqual([
      'UEFI x86-64, 67: snponly.efi',
      'UEFI x86-64, 4011: snponly.efi',
      `iPXE on UEFI x86-64, 67: ${bootUrl}`,
    ])
  })

  test('boots the iPXE of a BIOS network card, without a boot program', limit, async () => {
    const mac = '52:54:00:6c:0d:02'
    await assignLab(lab(), mac)
    const boot = await bootLinux(lab(), { firmware: 'pcbios-x86_64', mac }, bootRules.router)
    expect(nbpsOf(boot)).toEqual([])
    expect(offers(lab(), mac)).toContain(`iPXE on BIOS, 67: ${bootUrl}`)
  })
})

describeWholeLab('proxyDHCP and firmware of every kind', () => {
  const lab = openProxyLab()

  test('boots BIOS by undionly.kpxe', limit, async () => {
    const mac = '52:54:00:6c:0d:03'
    const { boot } = await bootBios(lab(), mac, bootRules.router)
    await expectNbp(boot, 'undionly.kpxe')
    expect(offers(lab(), mac)).toEqual(['BIOS, 67: undionly.kpxe', `iPXE on BIOS, 67: ${bootUrl}`])
  })

  test('boots UEFI x86-64 by HTTP Boot', limit, async () => {
    const mac = '52:54:00:6c:0d:04'
    await assignLab(lab(), mac)
    const boot = await bootLinux(lab(), { firmware: 'efi-x86_64', mac, httpBoot: true }, bootRules.router)
    await expectNbp(boot, 'snponly.efi')
    expect(offers(lab(), mac)[0]).toBe(`UEFI x86-64, HTTP Boot, 67: http://${serverAddress}:8080/nbp/snponly.efi`)
  })

  test('boots UEFI arm64', limit, async () => {
    const mac = '52:54:00:6c:0d:05'
    await assignLab(lab(), mac)
    const boot = await bootLinux(lab(), { firmware: 'efi-arm64', mac }, bootRules.router)
    await expectNbp(boot, 'ipxe-arm64.efi')
  })

  test.each([
    ['pxe10', '52:54:00:6c:0d:06'],
    ['both', '52:54:00:6c:0d:07'],
  ])('boots UEFI in the mode %s, without a request to port 4011', limit, async (proxy, mac) => {
    await lab().server.api('PUT', `/machines/${mac}`, { assignment: { image: 'lab', proxy } })
    const boot = await bootLinux(lab(), { firmware: 'efi-x86_64', mac }, bootRules.router)
    await expectNbp(boot, 'snponly.efi')
    expect(answers(lab(), mac).map(({ port }) => port)).toEqual([67, 67])
  })

  test('gives a machine the boot program that its assignment names', limit, async () => {
    const mac = '52:54:00:6c:0d:08'
    await lab().server.api('PUT', `/machines/${mac}`, { assignment: { image: 'lab', bootProgram: 'ipxe.efi' } })
    const boot = await bootLinux(lab(), { firmware: 'efi-x86_64', mac }, bootRules.router)
    await expectNbp(boot, 'ipxe.efi')
  })
})

describeWholeLab('proxyDHCP on other networks', () => {
  const lab = openProxyLab()

  test('boots a machine behind a relay, with offers to the relay', limit, async () => {
    const mac = '52:54:00:6c:0d:11'
    await assignLab(lab(), mac)
    const far = lab().net.addFarLan()
    const folder = join(lab().workDir, 'far')
    await mkdir(folder)
    const dhcp = await lab().startDhcp(bootRules.routerWith(...farLeases))
    onTestFinished(dhcp.stop)
    const relay = await startRelay(far, [dhcpAddress, serverAddress])
    onTestFinished(relay.stop)
    const vm = await startVm(far, folder, { firmware: 'efi-x86_64', mac })
    onTestFinished(vm.stop)
    await vm.waitFor(/guest: reported booted to http/, bootTimeoutMs)
    const boot = await lastBoot(lab(), mac, ({ outcome }) => outcome === 'booted')
    await expectNbp(boot, 'snponly.efi')
    expect(answers(lab(), mac)).toMatchObject([
      { port: 67, relay: '10.98.0.1', file: 'snponly.efi' },
      { port: 4011, file: 'snponly.efi' },
      { port: 67, relay: '10.98.0.1', file: bootUrl },
    ])
  })

  test('boots beside a second boot server, and lists it', limit, async () => {
    const mac = '52:54:00:6c:0d:12'
    await assignLab(lab(), mac)
    const folder = join(lab().workDir, 'second')
    await mkdir(folder)
    const host = lab().net.addHost('two', '10.99.0.4')
    onTestFinished(() => lab().net.removeHost(host))
    const second = await startSecondBootServer(host, folder, join(lab().workDir, 'nbp'))
    onTestFinished(second.stop)
    const boot = await bootLinux(lab(), { firmware: 'efi-x86_64', mac }, bootRules.router)
    expect(boot.outcome).toBe('booted')
    const { items } = (await lab().server.api('GET', '/foreign-servers')) as { items: object[] }
    expect(items).toContainEqual(expect.objectContaining({ address: '10.99.0.4', role: 'boot', interface: 'eth0' }))
    expect(items).toContainEqual(expect.objectContaining({ address: dhcpAddress, role: 'dhcp', interface: 'eth0' }))
  })

  test('sends nothing to an ordinary DHCP client', limit, async () => {
    const dhcp = await lab().startDhcp(bootRules.router)
    onTestFinished(dhcp.stop)
    const host = lab().net.addHost('laptop', '10.99.0.250')
    onTestFinished(() => lab().net.removeHost(host))
    const capture = startIn(host, 'tcpdump', ['-n', '-l', '-i', 'eth0', 'udp'])
    onTestFinished(capture.stop)
    await capture.waitFor(/listening on eth0/, 5000)
    const script = join(lab().workDir, 'udhcpc.sh')
    await writeFile(script, '#!/bin/sh\necho "$1 $ip"\n', { mode: 0o755 })
    const args = ['udhcpc', '-i', 'eth0', '-f', '-n', '-q', '-t', '5', '-T', '1', '-s', script]
    const client = startIn(host, 'busybox', args)
    await client.ended
    expect(client.text()).toMatch(/lease of 10\.99\.0\.\d+ obtained from 10\.99\.0\.1/)
    expect(client.text()).toMatch(/bound 10\.99\.0\.\d+/)
    expect(capture.text()).toMatch(/IP 0\.0\.0\.0\.68 > 255\.255\.255\.255\.67/)
    expect(capture.text()).not.toMatch(/IP 10\.99\.0\.2\./)
  })

  test('boots a machine while hostile packets arrive at ports 67, 4011 and 69', limit, async () => {
    const mac = '52:54:00:6c:0d:13'
    await assignLab(lab(), mac)
    const noise = await startNoise(lab().net, seedOf())
    onTestFinished(noise.stop)
    const boot = await bootLinux(lab(), { firmware: 'efi-x86_64', mac }, bootRules.router)
    await expectNbp(boot, 'snponly.efi')
    expect(noise.text()).toMatch(/sent \d000\n/)
  })
})

describeWholeLab('proxyDHCP beside a router that names boot files of its own', () => {
  const lab = openProxyLab()
  const ipxeFile = ['dhcp-userclass=set:ipxe,iPXE', `dhcp-boot=tag:ipxe,${bootUrl}?from=router`]
  const rules = bootRules.routerWith(...ipxeFile, `dhcp-boot=tag:!ipxe,ipxe.efi,,${serverAddress}`)
  /** The files that iPXE takes from DHCP, as it prints them. */
  const filesOf = (text: string) => text.match(/(?<=^Filename: ).*$/gm)

  async function bootAndRead(machine: VmOptions): Promise<string> {
    await assignLab(lab(), machine.mac)
    const { console, powerOff } = await lab().powerOn(machine, rules)
    await console.waitFor(/guest: reported booted to http/, bootTimeoutMs).finally(powerOff)
    return console.text()
  }

  test('EDK2 and the iPXE of 2025 on UEFI take the file of the proxy', limit, async () => {
    // This iPXE prefers autoexec.ipxe of the TFTP server to the file that DHCP names. Here it asks for another name.
    const nameAt = 8 * (8 + 2)
    const isAutoexec = `udp dport 69 @th,${nameAt},64 0x${Buffer.from('autoexec').toString('hex')}`
    onTestFinished(addRules(lab().net, [`${isAutoexec} @th,${nameAt},8 set 0x58 udp checksum set 0`]))
    const text = await bootAndRead({ firmware: 'efi-x86_64', mac: '52:54:00:6c:0d:21' })
    expect(text).toMatch(/NBP filename is snponly\.efi/)
    expect(filesOf(text)).toEqual([bootUrl])
  })

  test('EDK2 takes the file of the proxy, and the iPXE of 2025 on UEFI then autoexec.ipxe', limit, async () => {
    const text = await bootAndRead({ firmware: 'efi-x86_64', mac: '52:54:00:6c:0d:22' })
    expect(text).toMatch(/NBP filename is snponly\.efi/)
    expect(text).toMatch(/autoexec\.ipxe\.* ok/)
    expect(filesOf(text)).toBeNull()
  })

  test('the iPXE of 2019 in a network card takes the file of the proxy', limit, async () => {
    const text = await bootAndRead({ firmware: 'pcbios-x86_64', mac: '52:54:00:6c:0d:23' })
    expect(filesOf(text)).toEqual([bootUrl])
  })

  test('the iPXE of 2025 on BIOS takes the file of the proxy', limit, async () => {
    const { text } = await bootBios(lab(), '52:54:00:6c:0d:24', bootRules.routerWith(...ipxeFile))
    expect(filesOf(text)).toEqual(['undionly.kpxe', bootUrl])
  })
})
