// Network boot programs: their names, and the processors that they were built for.

/** What a boot program was built for: BIOS, or UEFI on a processor. */
export type NbpArch = 'bios' | 'i386' | 'x86_64' | 'arm32' | 'arm64' | 'riscv32' | 'riscv64' | 'loong32' | 'loong64'

/** A boot program that is served. `builtFor` and `version` are undefined if the file does not tell. */
export type PresentNbp = {
  name: string
  builtFor?: NbpArch | undefined
  /** The version of iPXE: `1.21.1+git20250501.dad20602+dfsg-1`. */
  version?: string | undefined
  bytes?: Uint8Array
  sha256?: string
}

const nbpName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\.(kpxe|kkpxe|pxe|efi|lkrn|0)$/

/** For messages about names. */
export const expectedNbpName =
  'the name of a boot program: letters, digits, dots, underscores and hyphens, ending in .efi, .kpxe, .kkpxe, .pxe, .lkrn or .0'

/** Whether a file with this name can be a boot program. */
export function isNbpName(name: string): boolean {
  return nbpName.test(name)
}

/** Whether the name ends like those of programs for BIOS. Programs for UEFI end in `.efi`. */
export function endsLikeBios(name: string): boolean {
  return !/\.efi$/i.test(name)
}

/** The version of iPXE in a boot program. Undefined in a compressed program (those for BIOS), and in other programs. */
export function ipxeVersionOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  if (!text.includes('iPXE')) return undefined
  // iPXE's Makefile writes its version as a text of its own: `1.21.1`, `1.21.1+ (g8e9f)`, `2.0.0+git…`.
  const [, version] = /\0(\d+\.\d+\.\d+(?:[+~-][\x20-\x7e]{0,80})?)\0/.exec(text) ?? []
  return version
}

// The machine types of PE/COFF headers (Microsoft PE format, "Machine types"); the UEFI specification, 2.1.1, uses the same values.
const machineTypes = new Map<number, NbpArch>([
  [0x014c, 'i386'],
  [0x8664, 'x86_64'],
  [0x01c0, 'arm32'],
  [0x01c2, 'arm32'],
  [0x01c4, 'arm32'],
  [0xaa64, 'arm64'],
  [0x5032, 'riscv32'],
  [0x5064, 'riscv64'],
  [0x6232, 'loong32'],
  [0x6264, 'loong64'],
])

/** What a boot program was built for, by its PE header. Undefined without such a header: other formats do not tell. */
export function nbpArchOf(bytes: Uint8Array): NbpArch | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 0x40 || view.getUint16(0) !== 0x4d5a) return undefined
  const header = view.getUint32(0x3c, true)
  if (header + 6 > bytes.length || view.getUint32(header) !== 0x50450000) return undefined
  return machineTypes.get(view.getUint16(header + 4, true))
}
