// The words of the tables of codes.

/** Firmware kinds whose codes differ: the same PXE number has other meanings in BIOS and in UEFI. */
export const firmwares = ['bios', 'uefi'] as const
export type Firmware = (typeof firmwares)[number]

/** The program that printed a code. */
export const codeSources = ['ipxe', 'pxe-bios', 'pxe-uefi', 'http-boot', 'shim', 'bootwright'] as const
export type CodeSource = (typeof codeSources)[number]

/** Advice about a failure, in sentences. */
export type Advice = {
  /** What failed, in at most 60 characters, so that it fits on a console. */
  title: string
  /** What that means. */
  meaning: string
  /** The likely causes, the most likely first. */
  causes: string[]
  /** What to check with this product, in order. */
  checks: string[]
}

/** What a code means. */
export type Explanation = Advice & {
  /** The code as the program prints it: `2d0c613b`, `PXE-E53`. A text without a code has a short name: `http-boot-dns`. */
  code: string
  source: CodeSource
  firmware?: Firmware
  /** The program's own text, if the table has it. */
  message?: string
  /** Facts that are in the code: the error, the file, the status of the platform. */
  details?: string[]
  /** A page with more. */
  page?: string
}

/** A row of a table: title, meaning, causes, checks. */
export type AdviceRow = [title: string, meaning: string, causes: string[], checks: string[]]

export function adviceOf([title, meaning, causes, checks]: AdviceRow): Advice {
  return { title, meaning, causes, checks }
}
