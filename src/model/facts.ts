import type { Mac } from '../lib/ids/mac.ts'
import type { Arch, Platform, Target } from './arch.ts'

/** What a machine says of itself, in the bootstrap's query; also what is remembered of it. Nothing here is proof. */
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
  /** What `cpuid` said of the processor: long mode or not. */
  cpuarch?: Arch
  /** iPXE's version. */
  version?: string
  ip?: string
  secureBoot?: boolean
}

/** What an image's variant has to fit, and what of it had to be assumed. */
export type KnownTarget = Target & { assumed: string[] }

/**
 * The machine's architecture and firmware kind. On BIOS every iPXE is an i386 program, on a 64-bit processor too, so
 * there `cpuid` decides; an old script that does not send it is taken for 64-bit, which nearly all are.
 * What the request does not say, the facts remembered do; then x86_64 and efi are assumed.
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
