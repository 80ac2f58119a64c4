// Processor architectures and firmware kinds.

/** Processor architectures, in iPXE's words for `${buildarch}`. */
export const archs = ['x86_64', 'i386', 'arm64'] as const
export type Arch = (typeof archs)[number]

/** Firmware kinds, in iPXE's words for `${platform}`. */
export const platforms = ['pcbios', 'efi'] as const
export type Platform = (typeof platforms)[number]

/** The architecture and firmware kind of a machine, which an image's variant must match. */
export type Target = { arch: Arch; platform: Platform }

/** For people: `x86_64 efi`. */
export function formatTarget(target: Target): string {
  return `${target.arch} ${target.platform}`
}
