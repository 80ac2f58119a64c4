import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { programDir } from '../../src/lib/program-dir.ts'
import { codesOf, describeSite, healthy, openSite, runDoctor, type Site } from './site.ts'

describeSite('The doctor on a network', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite()
  }, 90_000)
  afterAll(() => site?.close())
  afterEach(() => site.quiet())

  test('finds nothing on a healthy network', { timeout: 60_000 }, async () => {
    await site.dhcp(healthy)
    const { code, report } = await site.doctor()

    expect(codesOf(report)).toEqual([])
    expect(code).toBe(0)
  })

  test('warns about a router that is outside the subnet of the machine', { timeout: 60_000 }, async () => {
    await site.dhcp([...healthy, 'dhcp-option=3,10.98.0.1'])
    const { code, report } = await site.doctor('--firmware', 'uefi')

    expect(codesOf(report)).toEqual(['BW-DHCP-ROUTER'])
    expect(report.findings.find(({ state }) => state === 'warning')?.seen).toBe(
      '10.99.0.1: the offered router 10.98.0.1 is outside the subnet 10.99.0.0 (mask 255.255.255.0)',
    )
    expect(code).toBe(0)
  })

  test('blames the DHCP server for a wrong path on this server', { timeout: 60_000 }, async () => {
    await site.dhcp(healthy.map((line) => line.replace('/boot.ipxe', '/boot.ipx')))
    const { code, report } = await site.doctor('--firmware', 'uefi')

    expect(codesOf(report)).toEqual(['BW-NBP-MISSING'])
    expect(code).toBe(1)
  })

  test('names the interfaces of the computer if there is no such interface, and fails', async () => {
    const { code, report } = await site.doctor('--interface', 'eth9')

    const probe = report.findings.find(({ check }) => check === 'network probe')
    expect(probe).toMatchObject({ state: 'error', code: 'BW-PROBE' })
    expect(probe?.todo.join(' ')).toContain('eth0 (10.99.0.50)')
    expect(code).toBe(1)
  })

  test('names the interfaces of the computer if it cannot listen on one', async () => {
    const { code, errors } = await site.doctor('--passive', '--interface', 'eth9')

    expect(errors).toContain('eth9 does not exist, is down, or has no IPv4 address')
    expect(errors).toContain('eth0 (10.99.0.50)')
    expect(code).toBe(1)
  })

  test('says on the boot server itself that it met no firewall', { timeout: 60_000 }, async () => {
    await site.dhcp(healthy)
    const { code, report } = await runDoctor(site.net.server, join(site.workDir, 'data'), '--firmware', 'uefi')

    expect(codesOf(report)).toEqual(['BW-PROBE-LOCAL'])
    expect(code).toBe(0)
  })

  test('says that it heard nothing, and where the usual causes are', { timeout: 60_000 }, async () => {
    const passive = site.run(site.net.lan, process.execPath, [
      ...[join(programDir, 'dist/main.js'), 'doctor', '--passive', '--seconds', '1', '--interface', 'lo'],
    ])
    await passive.ended
    expect(passive.text()).toContain('no DHCP packet was seen')
    expect(passive.text()).toContain('bootwright explain-code BW-NEVER-ASKED')
  })

  test('explains what it hears, and sends nothing', { timeout: 60_000 }, async () => {
    await site.dhcp(healthy)
    const passive = site.run(site.net.lan, process.execPath, [
      ...[join(programDir, 'dist/main.js'), 'doctor', '--passive', '--seconds', '20', '--interface', 'br0'],
    ])
    await passive.waitFor(/listening on br0/, 20_000)
    await site.doctor('--firmware', 'uefi')
    await passive.waitFor(/firmware \(UEFI x86-64\) asks for an address and a boot file \(DISCOVER\)/, 20_000)
    await passive.waitFor(/iPXE on UEFI x86-64 asks for an address/, 20_000)
    await passive.ended
    expect(passive.text()).not.toContain('cannot be opened')
  })
})
