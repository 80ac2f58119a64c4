// Facts that a machine reports, and the target that follows from them.

import type { Mac } from '../lib/ids/mac.ts'
import type { Arch, Platform, Target } from './arch.ts'

/** The facts that a machine reports in the bootstrap's query; also the remembered ones. None of them is proof. */
export type Facts = {
  mac?: Mac
  uuid?: string
  serial?: string
  asset?: string
  manufacturer?: string
  product?: string
  hostname?: string
  platform?: Platform
  /** `${buildarch}`: the boot program's architecture, not always the processor's. */
  buildarch?: Arch
  /** The processor's architecture by `cpuid`: long mode or not. */
  cpuarch?: Arch
  /** iPXE's version. */
  version?: string
  ip?: string
  secureBoot?: boolean
}

/** The target for an image's variant, and which parts of it are assumed. */
export type KnownTarget = Target & { assumed: string[] }

/**
 * The machine's architecture and firmware kind. On BIOS iPXE is always an i386 program, also on a 64-bit processor, so `cpuid`
 * decides. Without `cpuid` (an old script) 64 bits are assumed, because nearly all machines have them.
 * Remembered facts complete the request; if both lack a value, x86_64 and efi are assumed.
 */
export function targetOf(facts: Facts, remembered: Facts = {}): KnownTarget {
  const assumed: string[] = []
  const platform = facts.platform ?? remembered.platform
  if (platform === undefined) assumed.push('platform efi')
  const said = facts.buildarch !== undefined || facts.cpuarch !== undefined ? facts : remembered
  let arch = said.buildarch ?? said.cpuarch
  if (arch === 'i386' && platform !== 'efi') arch = said.cpuarch
  if (arch === undefined) assumed.push('arch x86_64')
  return { arch: arch ?? 'x86_64', platform: platform ?? 'efi', assumed }
}
