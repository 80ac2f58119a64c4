import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { bootTimeoutMs, describeWholeLab, expectBooted, lastBoot } from './lab-tests.ts'

const limit = { timeout: bootTimeoutMs + 10_000 }
const disk = 'the local disk runs'
const arrowDown = '\x1b[B'
const machines = [
  { name: 'BIOS, iPXE of 2019', firmware: 'pcbios-x86_64', last: '1' },
  { name: 'UEFI, iPXE of 2025', firmware: 'efi-x86_64', last: '2' },
] as const

describeWholeLab('a menu on the screen of a machine', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
    const entries = [
      { name: 'disk', text: 'Start the own disk', kind: 'local' },
      { name: 'arm', text: 'Only for arm64', kind: 'local', archs: ['arm64'] },
      { name: 'linux', text: 'Boot the lab', kind: 'image', image: 'lab', hotkey: 'l' },
      { name: 'shell', text: 'Open a shell', kind: 'shell', hotkey: 's' },
    ]
    await lab.server.api('PUT', '/menus/waits', { title: 'What shall it boot', entries })
    await lab.server.api('PUT', '/menus/hurries', {
      title: 'What shall it boot',
      timeoutSeconds: 3,
      defaultEntry: 'disk',
      entries,
    })
  })
  afterAll(() => lab?.close())
  // OVMF tries HTTP Boot for a minute before it tries the disk.
  const localBoot = { efi: 'sanboot' }
  const assign = (mac: string, menu: string) =>
    lab.server.api('PUT', `/machines/${mac}`, { assignment: { menu, localBoot } })

  test.each(machines)(
    'is answered by keys, and what is chosen boots with a boot of its own ($name)',
    limit,
    async (one) => {
      const mac = `52:54:00:6c:07:1${one.last}`
      await assign(mac, 'waits')
      const { console, powerOff } = await lab.powerOn({ firmware: one.firmware, mac }, bootRules.byFirmware)
      try {
        await console.waitFor(
          /What shall it boot[\s\S]*Start the own disk[\s\S]*Boot the lab[\s\S]*Open a shell/,
          bootTimeoutMs,
        )
        expect(console.text()).not.toContain('Only for arm64')
        console.child.stdin.write(arrowDown)
        await new Promise((resolve) => setTimeout(resolve, 500))
        console.child.stdin.write('\r')
        await console.waitFor(/guest: reported booted to http/, bootTimeoutMs)
      } finally {
        await powerOff()
      }
      const boot = await lastBoot(lab, mac, ({ outcome }) => outcome === 'booted')
      expectBooted(boot, lab, 'x86_64', ['script', 'kernel', 'initrd', 'ready', 'booted'])
      const { items } = (await lab.server.api('GET', `/boots?machine=${mac}`)) as { items: { outcome?: string }[] }
      expect(items.map(({ outcome }) => outcome)).toEqual(['booted', 'superseded'])
    },
  )

  test.each(machines)('takes its default when its time is over ($name)', limit, async (one) => {
    const mac = `52:54:00:6c:07:2${one.last}`
    await assign(mac, 'hurries')
    const { console, powerOff } = await lab.powerOn({ firmware: one.firmware, mac, disk }, bootRules.byFirmware)
    await console
      .waitFor(/What shall it boot[\s\S]*boots from its local disk[\s\S]*the local disk runs/, bootTimeoutMs)
      .finally(powerOff)
  })

  test('opens a shell by its key, which comes back when it is left', limit, async () => {
    const mac = '52:54:00:6c:07:31'
    await assign(mac, 'waits')
    const { console, powerOff } = await lab.powerOn({ firmware: 'efi-x86_64', mac }, bootRules.byFirmware)
    try {
      await console.waitFor(/Open a shell/, bootTimeoutMs)
      console.child.stdin.write('s')
      await new Promise((resolve) => setTimeout(resolve, 500))
      console.child.stdin.write('\r')
      await console.waitFor(/opens an iPXE shell[\s\S]*iPXE>/, 30_000)
      console.child.stdin.write('echo typed ${platform}\r')
      await console.waitFor(/typed efi/, 10_000)
      console.child.stdin.write('exit\r')
      await console.waitFor(/typed efi[\s\S]*shows menu waits/, 60_000)
    } finally {
      await powerOff()
    }
  })
})
