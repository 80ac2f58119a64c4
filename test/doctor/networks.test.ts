import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { programDir } from '../../src/lib/program-dir.ts'
import { codesOf, describeSite, healthy, openSite, type Site } from './site.ts'

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
