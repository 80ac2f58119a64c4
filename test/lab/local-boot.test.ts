import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import type { LocalBoot } from '../../src/model/assignment.ts'
import { bootTimeoutMs, describeWholeLab, lastBoot } from './lab-tests.ts'

const limit = { timeout: bootTimeoutMs + 10_000 }
const file = '\\EFI\\debian\\grubx64.efi'

describeWholeLab('a machine is handed to its local disk', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  test.concurrent.each<[string, string, LocalBoot, RegExp]>([
    ['BIOS, auto', '01', {}, /boots from its local disk[\s\S]*the local disk runs/],
    ['BIOS, exit-0', '02', { pcbios: 'exit-0' }, /boots from its local disk[\s\S]*the local disk runs/],
    ['BIOS, exit-1', '03', { pcbios: 'exit-1' }, /boots from its local disk[\s\S]*the local disk runs/],
    ['UEFI, auto', '04', {}, /boots from its local disk[\s\S]*the local disk runs: \\EFI\\BOOT\\BOOTX64\.EFI/],
    [
      'UEFI, sanboot',
      '05',
      { efi: 'sanboot' },
      /boots from its local disk[\s\S]*the local disk runs: \\EFI\\BOOT\\BOOTX64\.EFI/,
    ],
    // On the second disk: the first is empty.
    [
      'UEFI, a file',
      '06',
      { efi: { file } },
      /boots from its local disk[\s\S]*the local disk runs: \\EFI\\debian\\grubx64\.efi/,
    ],
  ])('%s: the disk starts', limit, async (name, last, localBoot, printed) => {
    const bios = name.startsWith('BIOS')
    const mac = `52:54:00:6c:05:${last}`
    await lab.server.api('PUT', `/machines/${mac}`, { assignment: { local: true, localBoot } })
    const { console, powerOff } = await lab.powerOn(
      {
        firmware: bios ? 'pcbios-x86_64' : 'efi-x86_64',
        mac,
        disk: 'the local disk runs',
        ...(typeof localBoot.efi === 'object' && { emptyDisks: 1 }),
      },
      [...bootRules.byFirmware, ...bootRules.httpBootFails],
    )
    try {
      await console.waitFor(printed, bootTimeoutMs)
    } finally {
      await powerOff()
    }
    const boot = await lastBoot(lab, mac, ({ outcome }) => outcome === 'handed-over')
    expect(boot.events.at(-1)?.stage).toBe('ready')
  })
})
