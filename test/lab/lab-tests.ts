import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { DhcpRules, Lab, LabArch } from '../../scripts/lab/lab.ts'
import { whyNoLab } from '../../scripts/lab/pieces.ts'
import { disguiseRom } from '../../scripts/lab/rom.ts'
import type { VmOptions } from '../../scripts/lab/vm.ts'

/** A guest in software emulation, with another beside it and a busy machine around. */
export const bootTimeoutMs = 110_000

// Where the lab must run (in CI) a missing piece fails in openLab; elsewhere setup has said what is missing.
const mayRun = whyNoLab() === undefined || Boolean(process.env.CI || process.env.REQUIRE_ALL_TESTS)

/** Tests in the lab that run with every `npm test`. */
export const describeLab = describe.skipIf(!mayRun)
/** Tests in the lab that run in `npm run lab` and in CI. */
export const describeWholeLab = describe.skipIf(!mayRun || process.env.LAB !== 'all')

export type BootRecord = {
  id: string
  outcome?: string
  message?: string
  events: { stage: string; file?: string; bytes?: number; message?: string }[]
}

/**
 * Switches a machine on, waits until its Linux has reported and switched it off, and returns the server's record of the
 * boot.
 */
export async function bootLinux(lab: Lab, machine: VmOptions, rules: DhcpRules): Promise<BootRecord> {
  const { console, powerOff } = await lab.powerOn(machine, rules)
  try {
    await console.waitFor(/guest: reported booted to http/, bootTimeoutMs)
  } finally {
    await powerOff()
  }
  return lastBoot(lab, machine.mac, (boot) => boot.outcome === 'booted')
}

/**
 * Boots a BIOS machine whose ROM hides from DHCP servers that it is iPXE. It loads undionly.kpxe, which does not hide it. Returns
 * also what the machine's console showed.
 */
export async function bootBios(lab: Lab, mac: string, rules: DhcpRules): Promise<{ boot: BootRecord; text: string }> {
  await assignLab(lab, mac)
  const endDisguise = disguiseRom(lab.net)
  const { console, powerOff } = await lab.powerOn({ firmware: 'pcbios-x86_64', mac }, rules)
  try {
    await console.waitFor(/undionly\.kpxe : \d+ bytes/, bootTimeoutMs).finally(endDisguise)
    await console.waitFor(/guest: reported booted to http/, bootTimeoutMs)
  } finally {
    await powerOff()
  }
  const boot = await lastBoot(lab, mac, ({ outcome }) => outcome === 'booted')
  expect(nbpsOf(boot)).toEqual([{ file: 'undionly.kpxe', bytes: await nbpSize('undionly.kpxe') }])
  return { boot, text: console.text() }
}

/** The machine's last boot once it is as wanted; events are written a moment after they happened. */
export async function lastBoot(lab: Lab, mac: string, wanted: (boot: BootRecord) => boolean): Promise<BootRecord> {
  const until = Date.now() + 5000
  for (;;) {
    const { items } = (await lab.server.api('GET', `/boots?machine=${mac}`)) as { items: { id: string }[] }
    const boot = items[0] && ((await lab.server.api('GET', `/boots/${items[0].id}`)) as BootRecord)
    if (boot !== undefined && wanted(boot)) return boot
    if (Date.now() > until) throw new Error(`the last boot of ${mac} is not as wanted: ${JSON.stringify(boot)}`)
    await sleep(100)
  }
}

/** Assigns the lab's image to a machine. */
export async function assignLab(lab: Lab, mac: string): Promise<void> {
  await lab.server.api('PUT', `/machines/${mac}`, { assignment: { image: 'lab' } })
}

/** The events of a boot whose firmware fetches a boot program. */
const wholeStory = ['nbp', 'bootstrap', 'script', 'kernel', 'initrd', 'ready', 'booted']

/** The story of a boot: its stages in order, all bytes of kernel and initrd, and the kernel's own release. */
export function expectBooted(boot: BootRecord, lab: Lab, arch: LabArch, stagesInOrder = wholeStory): void {
  const stages = boot.events.map(({ stage }) => stage)
  const story = stages.filter((stage, index) => stage !== stages[index - 1])
  const bytesOf = (file: string) => boot.events.filter((event) => event.file === file).map(({ bytes }) => bytes)
  expect(boot.outcome).toBe('booted')
  expect(story).toEqual(stagesInOrder)
  expect(bytesOf('vmlinuz')).toEqual([lab.sizes[arch].kernel])
  expect(bytesOf('initrd.cpio')).toEqual([lab.sizes[arch].initrd])
  expect(boot.events.at(-1)?.message).toMatch(arch === 'arm64' ? /^\d+\.\d+\.\d+.*-arm64$/ : /^\d+\.\d+\.\d+.*-amd64$/)
}

/** The boot programs that a boot fetched, with their sizes. */
export function nbpsOf(boot: BootRecord): { file: string | undefined; bytes: number | undefined }[] {
  return boot.events.filter(({ stage }) => stage === 'nbp').map(({ file, bytes }) => ({ file, bytes }))
}

/** The size of a boot program from setup. */
export async function nbpSize(name: string): Promise<number> {
  return (await readFile(new URL(`../../ipxe/nbp/${name}`, import.meta.url))).length
}
