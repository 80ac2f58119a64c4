import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import type { Firmware } from '../../scripts/lab/vm.ts'
import { bootTimeoutMs, describeLab, describeWholeLab } from './lab-tests.ts'

type Deployment = { id: string; state: string; attempts: number; reason?: string }

const disk = 'the local disk runs'

/** Arms the image for a machine whose own assignment is its disk, handed over in the way that is quick in OVMF. */
async function arm(lab: Lab, mac: string, order: object): Promise<() => Promise<Deployment>> {
  await lab.server.api('PUT', `/machines/${mac}`, {
    assignment: { local: true, localBoot: { efi: 'sanboot' } },
    hostname: `m${mac.slice(-2)}`,
  })
  const { id } = (await lab.server.api('POST', '/deployments', { machine: mac, image: 'lab', ...order })) as Deployment
  return () => lab.server.api('GET', `/deployments/${id}`) as Promise<Deployment>
}

async function statesOf(lab: Lab, id: string): Promise<string[]> {
  const { items } = (await lab.server.api('GET', `/changes?subject=${id}`)) as { items: { type: string }[] }
  return items.map(({ type }) => type.replace('deployment.', '')).reverse()
}

describeLab('an installation', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  test('ends with its report, and the next boot goes to the disk (UEFI)', {
    timeout: bootTimeoutMs + 10_000,
  }, async () => {
    const mac = '52:54:00:6c:06:01'
    const deployment = await arm(lab, mac, { args: ['lab.do=install'] })
    const machine = { firmware: 'efi-x86_64' as const, mac, disk, reboots: true }
    const { console, powerOff } = await lab.powerOn(machine, bootRules.byFirmware)
    try {
      await console.waitFor(
        /installs lab version 1 \(x86_64 efi, attempt 1 of 3\)[\s\S]*the local disk runs/,
        bootTimeoutMs,
      )
    } finally {
      await powerOff()
    }
    const { id, state, attempts } = await deployment()
    expect([state, attempts]).toEqual(['installed', 1])
    expect(await statesOf(lab, id)).toEqual(['armed', 'started', 'installing', 'installed'])
  })
})

describeWholeLab('an install loop', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab()
  })
  afterAll(() => lab?.close())

  test.each<[string, string, string[], Firmware]>([
    ['an installer that restarts and never reports', '11', ['lab.do=reboot'], 'pcbios-x86_64'],
    ['a kernel that panics', '12', ['rdinit=/nothing', 'panic=1'], 'pcbios-x86_64'],
    ['an installer that restarts and never reports, UEFI', '13', ['lab.do=reboot'], 'efi-x86_64'],
  ])('of %s ends after three attempts', { timeout: 200_000 }, async (_, last, args, firmware) => {
    const mac = `52:54:00:6c:06:${last}`
    const deployment = await arm(lab, mac, { args })
    const machine = { firmware, mac, disk, reboots: true, lifetimeMs: 190_000 }
    const { console, powerOff } = await lab.powerOn(machine, bootRules.byFirmware)
    try {
      for (const attempt of [1, 2, 3]) await console.waitFor(new RegExp(`attempt ${attempt} of 3`), 60_000)
      await console.waitFor(
        /boots from its local disk\nBootwright: the installation of lab failed: 3 of 3 attempts[\s\S]*the local disk runs/,
        60_000,
      )
    } finally {
      await powerOff()
    }
    const { id, state, attempts, reason } = await deployment()
    expect([state, attempts, reason]).toEqual([
      'failed',
      3,
      '3 of 3 attempts were used, but the machine never reported an end',
    ])
    const { items } = (await lab.server.api('GET', `/boots?deployment=${id}`)) as { items: unknown[] }
    expect(items.length).toBe(3)
  })

  test('does not begin where the installer says that it failed: the reason is on the screen', {
    timeout: 120_000,
  }, async () => {
    const mac = '52:54:00:6c:06:14'
    const deployment = await arm(lab, mac, { args: ['lab.do=fail'] })
    const machine = { firmware: 'pcbios-x86_64' as const, mac, disk, reboots: true }
    const { console, powerOff } = await lab.powerOn(machine, bootRules.byFirmware)
    try {
      await console.waitFor(
        /Bootwright: the installation of lab failed: no disk[\s\S]*the local disk runs/,
        bootTimeoutMs,
      )
    } finally {
      await powerOff()
    }
    expect(await deployment()).toMatchObject({ state: 'failed', attempts: 1, reason: 'no disk' })
  })

  test('continues to count attempts when the machine is switched off during an install', {
    timeout: 200_000,
  }, async () => {
    const mac = '52:54:00:6c:06:15'
    const deployment = await arm(lab, mac, { args: ['lab.do=hang'], maxAttempts: 2 })
    const machine = { firmware: 'pcbios-x86_64' as const, mac, disk }
    for (const attempt of [1, 2]) {
      const { console, powerOff } = await lab.powerOn(machine, bootRules.byFirmware)
      await console.waitFor(new RegExp(`attempt ${attempt} of 2[\\s\\S]*guest: hangs`), bootTimeoutMs).finally(powerOff)
      expect(await deployment()).toMatchObject({ state: 'installing', attempts: attempt })
    }
    const { console, powerOff } = await lab.powerOn(machine, bootRules.byFirmware)
    await console.waitFor(/failed: 2 of 2 attempts[\s\S]*the local disk runs/, bootTimeoutMs).finally(powerOff)
    expect(await deployment()).toMatchObject({ state: 'failed', attempts: 2 })
  })
})
