// Architectures and firmware kinds, by iPXE's names.

/** Processor architectures, in iPXE's own words for `${buildarch}`. */
export const archs = ['x86_64', 'i386', 'arm64'] as const
export type Arch = (typeof archs)[number]

/** Firmware kinds, in iPXE's own words for `${platform}`. */
export const platforms = ['pcbios', 'efi'] as const
export type Platform = (typeof platforms)[number]

/** What kind of machine asks: what an image's variant has to fit. */
export type Target = { arch: Arch; platform: Platform }

/** For people: `x86_64 efi`. */
export function formatTarget(target: Target): string {
  return `${target.arch} ${target.platform}`
}
