// Kinds of firmware by DHCP option 93, and the boot programs for each. The only table of these codes.
import type { Target } from '../arch.ts'
import { endsLikeBios, type NbpArch, type PresentNbp } from './nbp.ts'

/** How firmware fetches its boot program. */
export type Transport = 'tftp' | 'http'

/** A kind of firmware, as option 93 (RFC 4578 2.1) names it. */
export type FirmwareKind = {
  /** IANA, "Processor Architecture Types" of the DHCPv6 parameters, which DHCP option 93 shares. */
  code: number
  /** For people: `UEFI x86-64`. */
  words: string
  /** The programs that it can start. Undefined if it starts no boot program at all. */
  runs: NbpArch | undefined
  transport: Transport
  /** Names of boot programs, the preferred name first. */
  nbps: readonly string[]
  /** What an operator must know about it. */
  note?: string
}

const bios = ['undionly.kpxe', 'undionly.kkpxe', 'ipxe.pxe']
// snponly.efi uses the network driver of the firmware. Drivers of iPXE 2.0 stop USB keyboards on some Dell machines (ipxe#1685).
const x64 = ['snponly.efi', 'ipxe.efi', 'ipxe-amd64.efi']
const namesFor = (arch: string) => [`snponly-${arch}.efi`, `ipxe-${arch}.efi`]

const rows: readonly (readonly [number, string, NbpArch | undefined, Transport, readonly string[], string?])[] = [
  [0, 'BIOS', 'bios', 'tftp', bios, 'The boot ROM of a Raspberry Pi may send this code too.'],
  [6, 'UEFI x86, 32 bits', 'i386', 'tftp', namesFor('i386')],
  [7, 'UEFI x86-64', 'x86_64', 'tftp', x64],
  // RFC 4578 says that 9 is x86-64 and 7 is EFI byte code. Its erratum 4624 swaps them, but some firmware kept to the text.
  [9, 'UEFI byte code', 'x86_64', 'tftp', x64, 'Firmware that sends this code is x86-64 (RFC 4578, erratum 4624).'],
  [10, 'UEFI ARM, 32 bits', 'arm32', 'tftp', namesFor('arm32')],
  [11, 'UEFI arm64', 'arm64', 'tftp', namesFor('arm64')],
  [15, 'UEFI x86, 32 bits, HTTP Boot', 'i386', 'http', namesFor('i386')],
  [16, 'UEFI x86-64, HTTP Boot', 'x86_64', 'http', x64],
  [18, 'UEFI ARM, 32 bits, HTTP Boot', 'arm32', 'http', namesFor('arm32')],
  [19, 'UEFI arm64, HTTP Boot', 'arm64', 'http', namesFor('arm64')],
  [20, 'BIOS, HTTP Boot', 'bios', 'http', bios],
  [25, 'UEFI RISC-V, 32 bits', 'riscv32', 'tftp', namesFor('riscv32')],
  [27, 'UEFI RISC-V, 64 bits', 'riscv64', 'tftp', namesFor('riscv64')],
  [28, 'UEFI RISC-V, 64 bits, HTTP Boot', 'riscv64', 'http', namesFor('riscv64')],
  [37, 'UEFI LoongArch, 32 bits', 'loong32', 'tftp', namesFor('loong32')],
  [39, 'UEFI LoongArch, 64 bits', 'loong64', 'tftp', namesFor('loong64')],
  [40, 'UEFI LoongArch, 64 bits, HTTP Boot', 'loong64', 'http', namesFor('loong64')],
  [
    41,
    'Raspberry Pi boot ROM',
    undefined,
    'tftp',
    [],
    'The ROM loads start4.elf and other files of its own, never a boot program. With UEFI firmware on it, a Raspberry Pi sends code 11.',
  ],
]

/** All kinds of firmware that Bootwright recognizes, by code. */
export const firmwareKinds: readonly FirmwareKind[] = rows.map(([code, words, runs, transport, nbps, note]) => ({
  ...{ code, words, runs, transport, nbps },
  ...(note !== undefined && { note }),
}))

const kinds = new Map(firmwareKinds.map((kind) => [kind.code, kind]))

/** The kind of firmware with this code in option 93. */
export function findFirmwareKind(code: number): FirmwareKind | undefined {
  return kinds.get(code)
}

/** The kind of firmware of a target that fetches its boot program by TFTP. */
export function firmwareKindOf({ arch, platform }: Target): FirmwareKind | undefined {
  const runs = platform === 'pcbios' ? 'bios' : arch
  return firmwareKinds.find((kind) => kind.runs === runs && kind.transport === 'tftp')
}

/**
 * The boot program for a kind of firmware: the chosen program if it is present and fits, else the first of the kind's names that is
 * present and fits. Undefined if no program fits.
 * @param code the value of option 93
 * @param present the boot programs that are served
 * @param choice the name that an operator chose
 */
export function nbpFor(code: number, present: Iterable<PresentNbp>, choice?: string): string | undefined {
  const kind = findFirmwareKind(code)
  if (kind === undefined) return undefined
  const fitting = new Set([...present].filter((nbp) => fits(kind, nbp)).map(({ name }) => name))
  return [...(choice === undefined ? [] : [choice]), ...kind.nbps].find((name) => fitting.has(name))
}

/** Why `nbpFor` does not give a kind of firmware the chosen boot program; undefined if it does. */
export function whyNotChosen(code: number, present: Iterable<PresentNbp>, choice: string): string | undefined {
  const kind = findFirmwareKind(code)
  if (kind === undefined) return `firmware of kind ${code} in option 93 is unknown`
  const nbp = [...present].find(({ name }) => name === choice)
  if (nbp === undefined) return `${choice} is not among the boot programs`
  return fits(kind, nbp) ? undefined : `${choice} is not for ${kind.words}`
}

// A file that does not tell what it was built for is judged by its name.
function fits({ runs, nbps }: FirmwareKind, { name, builtFor }: PresentNbp): boolean {
  if (runs === undefined) return false
  if (builtFor !== undefined) return builtFor === runs
  if (endsLikeBios(name) !== (runs === 'bios')) return false
  return nbps.includes(name) || firmwareKinds.every((other) => other.runs === runs || !other.nbps.includes(name))
}
