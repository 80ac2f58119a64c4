// Assignments: what machines and groups boot, and how.
import { formatPin } from './image.ts'

/** A JSON value in params. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** An operator's values for templates, by name. */
export type Params = Record<string, Json>

/**
 * How a machine boots from its local disk. iPXE exits with status 0 or 1, starts the first BIOS disk, or starts an EFI program.
 * Some firmware needs a certain status to try its next boot device. `auto` chooses by firmware.
 */
export const localMethods = ['auto', 'exit-0', 'exit-1', 'sanboot'] as const
export type LocalMethod = (typeof localMethods)[number] | { file: string }

/** The local-boot method for each kind of firmware; the default is `auto`. Only UEFI can start a file. */
export type LocalBoot = { pcbios?: (typeof localMethods)[number] | undefined; efi?: LocalMethod | undefined }

/**
 * How proxyDHCP answers UEFI firmware. `binl` has no option 43, so the firmware sends a second request to port 4011. `pxe10` has
 * option 43, which names the file at once. `both` sends both offers.
 */
export const proxyModes = ['binl', 'pxe10', 'both'] as const
export type ProxyMode = (typeof proxyModes)[number]

/**
 * The assignment of a group or a machine. One of `image`, `menu` and `local` chooses what to boot. The other fields set
 * how, and apply also if another assignment chooses what to boot.
 */
export type Assignment = {
  image?: string | undefined
  /** The pinned version of the image. Without it, the machines boot the current version. */
  version?: number | undefined
  menu?: string | undefined
  /** Boot from the machine's local disk. */
  local?: true | undefined
  /** The image may install at every boot. Without it, an installer needs a deployment. */
  everyBoot?: true | undefined
  /** Kernel arguments after those of the image. */
  args?: string[] | undefined
  /** Patterns with `*` and `?` of arguments to remove, from the image and from weaker assignments. */
  withoutArgs?: string[] | undefined
  /** The name of an answer file. */
  answerFile?: string | undefined
  params?: Params | undefined
  localBoot?: LocalBoot | undefined
  /** The boot program for the firmware, such as `ipxe.efi`. */
  bootProgram?: string | undefined
  proxy?: ProxyMode | undefined
}

/** The choice of an assignment. */
export type Wanted =
  | { kind: 'image'; name: string; version?: number | undefined; everyBoot?: true | undefined }
  | { kind: 'menu'; name: string }
  | { kind: 'local' }

/** What an assignment chooses to boot; undefined if it leaves the choice to others. */
export function wantedOf({ image, version, menu, local, everyBoot }: Assignment): Wanted | undefined {
  if (image !== undefined) return { kind: 'image', name: image, version, everyBoot }
  if (menu !== undefined) return { kind: 'menu', name: menu }
  return local ? { kind: 'local' } : undefined
}

/** For people: `image debian-12`, `image debian-12, pinned to version 3`, `menu main`, `the local disk`. */
export function formatWanted(choice: Wanted): string {
  if (choice.kind === 'local') return 'the local disk'
  return `${choice.kind} ${choice.name}${choice.kind === 'image' ? formatPin(choice.version) : ''}`
}

/** A pattern that removes arguments from the first `count` of a list: those that existed when the pattern was merged. */
export type Removal = { pattern: string; count: number }

/** How to boot, merged from all assignments that apply. */
export type Merged = {
  args: string[]
  withoutArgs: Removal[]
  params: Params
  answerFile?: string
  localBoot: LocalBoot
}

/**
 * Merges assignments, the weakest first. Each removes earlier args by its patterns and appends its own. Params are replaced
 * name by name. The strongest answer file and the strongest local-boot methods win.
 */
export function mergeAssignments(weakestFirst: Assignment[]): Merged {
  const answerFile = weakestFirst.findLast((assignment) => assignment.answerFile !== undefined)?.answerFile
  const args: string[] = []
  const withoutArgs: Removal[] = []
  for (const assignment of weakestFirst) {
    withoutArgs.push(...(assignment.withoutArgs ?? []).map((pattern) => ({ pattern, count: args.length })))
    args.push(...(assignment.args ?? []))
  }
  return {
    args,
    withoutArgs,
    params: Object.assign({}, ...weakestFirst.map((assignment) => assignment.params)),
    ...(answerFile !== undefined && { answerFile }),
    localBoot: Object.assign({}, ...weakestFirst.map((assignment) => assignment.localBoot)),
  }
}
