// Facts that machines report, and the target that follows from them.
import type { Mac } from '../lib/ids/mac.ts'
import type { Arch, Platform, Target } from './arch.ts'

/** The facts that a machine reports in the bootstrap's query, now or at an earlier boot. Facts prove nothing. */
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
  /** From `cpuid`: whether the processor has long mode. */
  cpuarch?: Arch
  /** iPXE's version. */
  version?: string
  ip?: string
  secureBoot?: boolean
}

/** The target of a machine, and which parts of it were assumed. */
export type KnownTarget = Target & { assumed: string[] }

/**
 * The machine's architecture and firmware kind. On BIOS every iPXE is an i386 program, so `cpuid` decides there. If an old
 * script does not send `cpuid`, 64 bits are assumed. Missing facts come from earlier reports; the last resort is x86_64 efi.
 */
export function targetOf(facts: Facts, remembered: Facts = {}): KnownTarget {
  const assumed: string[] = []
  const platform = facts.platform ?? remembered.platform
  if (platform === undefined) assumed.push('platform efi')
  const source = facts.buildarch !== undefined || facts.cpuarch !== undefined ? facts : remembered
  let arch = source.buildarch ?? source.cpuarch
  if (arch === 'i386' && platform !== 'efi') arch = source.cpuarch
  if (arch === undefined) assumed.push('arch x86_64')
  return { arch: arch ?? 'x86_64', platform: platform ?? 'efi', assumed }
}
