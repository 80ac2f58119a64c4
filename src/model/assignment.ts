/** A JSON value, as it stands in params. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** An operator's values for templates, by name. */
export type Params = Record<string, Json>

/**
 * How a machine is handed to its own disk: end iPXE with status 0 or 1 (some firmware goes on to its next boot device
 * only after one of them), start the first BIOS disk, or start an EFI program from a disk. `auto` chooses by firmware.
 */
export const localMethods = ['auto', 'exit-0', 'exit-1', 'sanboot'] as const
export type LocalMethod = (typeof localMethods)[number] | { file: string }

/** The local-boot method for each kind of firmware; one not named is `auto`. Only UEFI starts a file. */
export type LocalBoot = { pcbios?: (typeof localMethods)[number] | undefined; efi?: LocalMethod | undefined }

/**
 * What a group or a machine says. One of `image`, `menu` and `local` says what to boot; the rest is how, and counts also
 * where another group says what.
 */
export type Assignment = {
  image?: string | undefined
  menu?: string | undefined
  /** Boot from the machine's own disk. */
  local?: true | undefined
  /** The operator's word that the image may install at every boot; else what installs is armed as a deployment. */
  everyBoot?: true | undefined
  /** Kernel arguments after those of the image. */
  args?: string[] | undefined
  /** Arguments to take off: patterns of `*` and `?`, for those of the image and of whatever is weaker. */
  withoutArgs?: string[] | undefined
  /** The name of an answer file. */
  answerFile?: string | undefined
  params?: Params | undefined
  localBoot?: LocalBoot | undefined
}

/** What is to be booted, of an assignment. */
export type Wanted =
  | { kind: 'image'; name: string; everyBoot?: true | undefined }
  | { kind: 'menu'; name: string }
  | { kind: 'local' }

/** What an assignment wants booted; undefined when it leaves that to others. */
export function wantedOf({ image, menu, local, everyBoot }: Assignment): Wanted | undefined {
  if (image !== undefined) return { kind: 'image', name: image, everyBoot }
  if (menu !== undefined) return { kind: 'menu', name: menu }
  return local ? { kind: 'local' } : undefined
}

/** For people: `image debian-12`, `menu main`, `its own disk`. */
export function formatWanted(wanted: Wanted): string {
  return wanted.kind === 'local' ? 'its own disk' : `${wanted.kind} ${wanted.name}`
}

/** A pattern that takes arguments off, of the first `count` of a list: those that were there when it was merged. */
export type Removal = { pattern: string; count: number }

/** How to boot, of all the assignments that apply. */
export type Merged = {
  args: string[]
  withoutArgs: Removal[]
  params: Params
  answerFile?: string
  localBoot: LocalBoot
}

/**
 * Merges assignments, the weakest first: args are appended, after the patterns that take off those before them, params replaced name by name, and of answer file and local-boot
 * methods the strongest that says one wins.
 */
export function mergeAssignments(weakestFirst: Assignment[]): Merged {
  const answerFile = weakestFirst.findLast((one) => one.answerFile !== undefined)?.answerFile
  const args: string[] = []
  const withoutArgs: Removal[] = []
  for (const one of weakestFirst) {
    withoutArgs.push(...(one.withoutArgs ?? []).map((pattern) => ({ pattern, count: args.length })))
    args.push(...(one.args ?? []))
  }
  return {
    args,
    withoutArgs,
    params: Object.assign({}, ...weakestFirst.map((one) => one.params)),
    ...(answerFile !== undefined && { answerFile }),
    localBoot: Object.assign({}, ...weakestFirst.map((one) => one.localBoot)),
  }
}
