import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { serverAddress } from '../../scripts/lab/net.ts'
import { startIn } from '../../scripts/lab/process.ts'
import { assignLab, bootTimeoutMs, describeWholeLab, expectBooted, lastBoot } from './lab-tests.ts'

const machines = [
  { name: 'BIOS, iPXE of 2019', firmware: 'pcbios-x86_64', mac: '52:54:00:6c:09:01', stages: ['bootstrap', 'script'] },
  {
    name: 'UEFI, iPXE of 2025',
    firmware: 'efi-x86_64',
    mac: '52:54:00:6c:09:02',
    stages: ['nbp', 'bootstrap', 'script'],
  },
] as const
const base = `http://${serverAddress}:8080`
/** Longer than the longest Retry-After for this small number of machines. */
const heldMs = 8000

describeWholeLab('a server that sends as many files as it may', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await openLab({ BOOTWRIGHT_MAX_TRANSFERS: '1' })
    for (const { mac } of machines) await assignLab(lab, mac)
  })
  afterAll(() => lab?.close())

  const curl = async (...args: string[]) => {
    const running = startIn(lab.net.lan, 'curl', ['-s', '--max-time', '10', ...args])
    await running.ended
    return running.text()
  }

  test('makes machines wait: iPXE retries automatically, and boots when a slot is free', {
    timeout: 2 * bootTimeoutMs,
  }, async () => {
    // More than the buffers of a connection hold, so that a slow reader keeps it open. A download without progress for ten
    // seconds would lose its place, so this reader is slow, but steady.
    const big = await lab.addFile('big', randomBytes(96 * 2 ** 20))
    const bigUrl = `${base}/files/${big.sha256}/big`
    const holder = startIn(lab.net.lan, 'curl', ['-s', '--limit-rate', '800k', '-o', '/dev/null', bigUrl])
    const busy = () => curl('-o', '/dev/null', '-w', '%{http_code} %header{retry-after}', bigUrl)
    await expect.poll(busy, { timeout: 5000 }).toMatch(/^503 [1-9]\d?$/)

    const running = await Promise.all(
      machines.map(async (one) => ({ ...one, ...(await lab.powerOn({ ...one }, bootRules.byFirmware)) })),
    )
    try {
      // A dot for each second that it waits (iPXE's monojob.c).
      for (const { console } of running) await console.waitFor(/boots lab version[\s\S]*\.{6}/, bootTimeoutMs)
      await sleep(heldMs)

      // Meanwhile scripts are served, and reports are recorded.
      const script = await curl('-A', 'iPXE/1.21.1', `${base}/ipxe?mac=52-54-00-6c-09-03`)
      expect(script).toMatch(/^#!ipxe\n/)
      const token = /\/b\/([\w-]{43})\//.exec(script)?.[1]
      expect(await curl(`${base}/b/${token}/booted`)).toBe('ok\n')
      for (const { mac, stages, console } of running) {
        expect(console.text()).not.toMatch(/failed, error|guest:/)
        const { events } = await lastBoot(lab, mac, ({ outcome }) => outcome === undefined)
        expect(new Set(events.map(({ stage }) => stage))).toEqual(new Set(stages))
      }

      await holder.stop()
      for (const { console } of running) await console.waitFor(/guest: reported booted to http/, bootTimeoutMs)
    } finally {
      await Promise.all(running.map(({ powerOff }) => powerOff()))
    }
    for (const { mac, stages } of machines) {
      const boot = await lastBoot(lab, mac, ({ outcome }) => outcome === 'booted')
      expectBooted(boot, lab, 'x86_64', [...stages, 'kernel', 'initrd', 'ready', 'booted'])
    }
  })
})
