import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { bootTimeoutMs, describeWholeLab, expectBooted, lastBoot } from './lab-tests.ts'

const limit = { timeout: bootTimeoutMs + 10_000 }
const iPxes = [
  { iPxe: 'iPXE in a network card, BIOS', firmware: 'pcbios-x86_64', rules: bootRules.byFirmware, last: '1' },
  { iPxe: 'iPXE of 2025, UEFI', firmware: 'efi-x86_64', rules: bootRules.byFirmware, last: '2' },
  { iPxe: 'iPXE of 2019, UEFI', firmware: 'efi-x86_64', rules: bootRules.oneFileAndIpxe('ipxe-2019.efi'), last: '3' },
] as const

describeWholeLab('what a machine is told', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  // Machines that run at the same time have the same DHCP rules.
  describe.each([
    { rules: 'the rules of most sites', list: iPxes.filter(({ rules }) => rules === bootRules.byFirmware) },
    { rules: 'rules for an old iPXE', list: iPxes.filter(({ rules }) => rules !== bootRules.byFirmware) },
  ])('at a site with $rules', ({ list }) => {
    test.concurrent.each(list)(
      'an unknown machine is discovered with its facts, waits, and boots once it is assigned an image ($iPxe)',
      limit,
      async (one) => {
        const mac = `52:54:00:6c:03:1${one.last}`
        const uuid = `0f6a1d3e-2b4c-4d5e-8f90-a1b2c3d4e5f${one.last}`
        await lab.server.api('PUT', '/policy', { kind: 'wait' })
        const machine = { firmware: one.firmware, mac, serial: `LAB-${one.last}`, product: 'Lab Machine 2000', uuid }
        const { console, powerOff } = await lab.powerOn(machine, one.rules)
        try {
          await console.waitFor(
            /waits: no image is assigned to it[\s\S]*Next step: bootwright machine set .*Checking again in 15 s/s,
            bootTimeoutMs,
          )
          expect(await lab.server.api('GET', `/machines/${mac}`)).toMatchObject({
            discovered: true,
            macs: [mac],
            facts: {
              mac,
              uuid,
              serial: `LAB-${one.last}`,
              product: 'Lab Machine 2000',
              manufacturer: 'Lab',
              platform: one.firmware === 'efi-x86_64' ? 'efi' : 'pcbios',
              buildarch: one.firmware === 'efi-x86_64' ? 'x86_64' : 'i386',
              cpuarch: 'x86_64',
            },
          })
          await lab.server.api('PATCH', `/machines/${mac}`, { assignment: { image: 'lab' } })
          await console.waitFor(/guest: reported booted to http/, bootTimeoutMs)
        } finally {
          await powerOff()
        }
        const boot = await lastBoot(lab, mac, ({ outcome }) => outcome === 'booted')
        const firmwareStages = one.firmware === 'efi-x86_64' ? ['nbp'] : []
        expectBooted(boot, lab, 'x86_64', [
          ...firmwareStages,
          'bootstrap',
          'script',
          'kernel',
          'initrd',
          'ready',
          'booted',
        ])
      },
    )

    test.concurrent.each(list)(
      'an image without a variant for the machine: the reason is on its console ($iPxe)',
      limit,
      async (one) => {
        const mac = `52:54:00:6c:03:2${one.last}`
        await lab.server.api('PUT', '/images/only-arm64', {
          variants: [{ arch: 'arm64', kind: 'local' }],
        })
        await lab.server.api('PUT', `/machines/${mac}`, { assignment: { image: 'only-arm64' } })
        const { console, powerOff } = await lab.powerOn({ firmware: one.firmware, mac }, one.rules)
        try {
          const platform = one.firmware === 'efi-x86_64' ? 'efi' : 'pcbios'
          const reason = `image only-arm64 has no variant for x86_64 ${platform}`
          // The screen breaks lines at its 80th column.
          const text = `Bootwright: ${reason}; existing variants: arm64 any platform`
          await console.waitFor(new RegExp(text.replaceAll(' ', '\\s+')), bootTimeoutMs)
          await console.waitFor(/Next step: to add one: bootwright image add /, 10_000)
          await console.waitFor(/Retry 1 of 5 in 10 s/, 10_000)
          const boot = await lastBoot(lab, mac, ({ outcome }) => outcome === 'failed')
          expect(boot.message).toBe(`${reason}; existing variants: arm64 any platform`)
        } finally {
          await powerOff()
        }
      },
    )
  })

  test('policy local, BIOS: the disk starts', limit, async () => {
    await lab.server.api('PUT', '/policy', { kind: 'local' })
    const disk = 'the local disk runs'
    const { console, powerOff } = await lab.powerOn(
      { firmware: 'pcbios-x86_64', mac: '52:54:00:6c:03:31', disk },
      bootRules.byFirmware,
    )
    try {
      await console.waitFor(/boots from its local disk[\s\S]*the local disk runs/, bootTimeoutMs)
    } finally {
      await powerOff()
    }
  })

  // Not with iPXE of 2019: its UEFI build stops at a second "Press Ctrl-B" when a script exits, whatever the exit status.
  test('policy local, UEFI: the firmware goes on to its next boot option', limit, async () => {
    await lab.server.api('PUT', '/policy', { kind: 'local' })
    const { console, powerOff } = await lab.powerOn(
      { firmware: 'efi-x86_64', mac: '52:54:00:6c:03:32' },
      bootRules.byFirmware,
    )
    try {
      await console.waitFor(
        /boots from its local disk[\s\S]*BdsDxe: failed to start Boot\d+ "UEFI PXEv4[\s\S]*>>Start HTTP Boot over IPv4/,
        bootTimeoutMs,
      )
    } finally {
      await powerOff()
    }
  })
})
