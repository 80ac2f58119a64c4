import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { bootTimeoutMs, describeWholeLab } from './lab-tests.ts'

const limit = { timeout: 3 * bootTimeoutMs }
const iPxes = [
  { iPxe: 'iPXE in a network card, BIOS', firmware: 'pcbios-x86_64', rules: bootRules.byFirmware, last: '1' },
  { iPxe: 'iPXE of 2025, UEFI', firmware: 'efi-x86_64', rules: bootRules.byFirmware, last: '2' },
  { iPxe: 'iPXE of 2019, UEFI', firmware: 'efi-x86_64', rules: bootRules.oneFileAndIpxe('ipxe-2019.efi'), last: '3' },
] as const

describeWholeLab('no machine is taken for another', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  const arm = async (mac: string, entered: object) => {
    await lab.server.api('PUT', `/machines/${mac}`, entered)
    await lab.server.api('POST', '/deployments', { machine: mac, image: 'lab' })
  }

  test.each(iPxes)('every character in SMBIOS comes whole through $iPxe', limit, async (one) => {
    const mac = `52:54:00:6c:07:1${one.last}`
    const values = {
      serial: `SN&4${one.last} #7`,
      product: 'Größe & Höhe, 100 % #1',
      manufacturer: '日本 & Söhne  GmbH',
      asset: `a=b&mac=52-54-00-00-00-01#${one.last}`,
    }
    // The serial and product as they were entered identify it, without a MAC.
    await lab.server.api('POST', '/machines', { hostname: `whole-${one.last}`, ...values, manufacturer: undefined })
    const { console, powerOff } = await lab.powerOn({ firmware: one.firmware, mac, ...values }, one.rules)
    try {
      await console.waitFor(new RegExp(`Bootwright: whole-${one.last} boots from its local disk`), bootTimeoutMs)
    } finally {
      await powerOff()
    }
    expect(await lab.server.api('GET', `/machines/whole-${one.last}`)).toMatchObject({ facts: { mac, ...values } })
  })

  test.each(iPxes)(
    'a virtual machine with the UUID of another gets no installer, and its screen says why ($iPxe)',
    limit,
    async (one) => {
      const [own, other] = [`52:54:00:6c:07:2${one.last}`, `52:54:00:6c:07:3${one.last}`]
      const uuid = `37393031-3735-4d32-3234-33353031385${one.last}`
      await arm(own, { hostname: `own-${one.last}`, uuid })
      const clone = await lab.powerOn({ firmware: one.firmware, mac: other, uuid }, one.rules)
      try {
        await clone.console.waitFor(
          /this may not be own-[\s\S]*bootwright machine set\s+52:54[\s\S]*installation of lab does not\s+start/,
          bootTimeoutMs,
        )
      } finally {
        await clone.powerOff()
      }
      const real = await lab.powerOn({ firmware: one.firmware, mac: own, uuid }, one.rules)
      try {
        await real.console.waitFor(/own-\d installs lab version 1[\s\S]*guest: reported booted to http/, bootTimeoutMs)
      } finally {
        await real.powerOff()
      }
    },
  )

  test(
    'a card that moved to another machine starts no installer there, and installs its first machine again',
    limit,
    async () => {
      const mac = '52:54:00:6c:07:41'
      const [uuid, foreign] = ['37393031-3735-4d32-3234-333530313860', '37393031-3735-4d32-3234-333530313861']
      await arm(mac, { hostname: 'laptop', uuid, serial: 'CZC2411', product: 'Book 1' })
      const second = { firmware: 'efi-x86_64', mac, uuid: foreign, serial: 'CZC2499', product: 'Book 1' } as const
      const moved = await lab.powerOn(second, bootRules.byFirmware)
      try {
        await moved.console.waitFor(
          /this may not be laptop: its MAC matches, but UUID[\s\S]*--clear-uuid[\s\S]*installation of lab does not start/,
          bootTimeoutMs,
        )
      } finally {
        await moved.powerOff()
      }
      const back = { ...second, uuid, serial: 'CZC2411' }
      const own = await lab.powerOn(back, bootRules.byFirmware)
      try {
        await own.console.waitFor(/laptop installs lab version 1[\s\S]*guest: reported booted to http/, bootTimeoutMs)
      } finally {
        await own.powerOff()
      }
    },
  )
})
