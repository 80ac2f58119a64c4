// Assignments: what a group or a machine says about booting, and how several are merged.

/** A JSON value of a param. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** An operator's values for templates, by name. */
export type Params = Record<string, Json>

/**
 * How a machine boots its local disk. `exit-0` and `exit-1` end iPXE with that status: some firmware tries its next
 * boot device only after one of them. `sanboot` starts the first BIOS disk. A file is an EFI program on a disk. `auto`
 * depends on the firmware.
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
  /** Boot from the machine's local disk. */
  local?: true | undefined
  /** The operator allows the image to install at every boot. Without it, an installer boots only by a deployment. */
  everyBoot?: true | undefined
  /** Kernel arguments after those of the image. */
  args?: string[] | undefined
  /** Arguments to remove: patterns of `*` and `?` for those of the image and of weaker assignments. */
  withoutArgs?: string[] | undefined
  /** The name of an answer file. */
  answerFile?: string | undefined
  params?: Params | undefined
  localBoot?: LocalBoot | undefined
}

/** The part of an assignment that names what to boot. */
export type Wanted =
  | { kind: 'image'; name: string; everyBoot?: true | undefined }
  | { kind: 'menu'; name: string }
  | { kind: 'local' }

/** What an assignment boots; undefined if it leaves that to others. */
export function wantedOf({ image, menu, local, everyBoot }: Assignment): Wanted | undefined {
  if (image !== undefined) return { kind: 'image', name: image, everyBoot }
  if (menu !== undefined) return { kind: 'menu', name: menu }
  return local ? { kind: 'local' } : undefined
}

/** For people: `image debian-12`, `menu main`, `its local disk`. */
export function formatWanted(wanted: Wanted): string {
  return wanted.kind === 'local' ? 'its local disk' : `${wanted.kind} ${wanted.name}`
}

/**
 * A pattern that removes arguments among the first `count` of a list: those that were in it when the pattern was
 * merged.
 */
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
 * Merges assignments, the weakest first. Patterns remove args of weaker assignments, then args are appended. Params
 * are replaced by name. The strongest answer file and the strongest local-boot method for each firmware win.
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
