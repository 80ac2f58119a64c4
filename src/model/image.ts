// Images: variants and their files, trees, end of life, and the plans of imports.

import { createHash } from 'node:crypto'
import type { Arch, Platform, Target } from './arch.ts'

/** A stored file by its hash, and the name that it is served under. */
export type FileRef = { sha256: string; name: string }

/** A further file that an installer fetches, by its path below the tree's URL: `images/install.img`. */
export type TreeFile = { path: string; sha256: string }

/**
 * How iSCSI proves who asks, and who answers (RFC 7143, 12.1: CHAP). User names are Liquid, which may use secrets; a password
 * is the name of a secret.
 */
export type Chap = {
  username: string
  password: string
  reverse?: { username: string; password: string } | undefined
}

/**
 * How an image boots on one kind of machine. Without a platform the variant fits every firmware. Args are Liquid, one argument
 * each. A SAN's `target` (`iscsi:…`, RFC 4173) and `initiator` are Liquid too. Inside wimboot, files have their names.
 * An EFI program in a tree is fetched from the tree, so that it finds its neighbours. `bootConfig` is the tree's path of VMware's
 * boot.cfg. That file is rendered for each boot, with the args as kernel options.
 */
export type Variant = { arch: Arch; platform?: Platform | undefined } & (
  | { kind: 'linux'; kernel: FileRef; initrds: FileRef[]; args: string[]; tree?: TreeFile[] | undefined }
  | { kind: 'wimboot'; wimboot: FileRef; files: FileRef[]; args: string[] }
  | { kind: 'efi'; file: FileRef; args: string[]; tree?: TreeFile[] | undefined; bootConfig?: string | undefined }
  | { kind: 'ipxe'; file: FileRef }
  | { kind: 'sanboot'; file: FileRef }
  | { kind: 'sanboot'; target: string; initiator?: string | undefined; chap?: Chap | undefined }
  | { kind: 'local' }
)

/** An image with the version that machines boot now. */
export type Image = {
  name: string
  title: string
  version: number
  variants: Variant[]
  /** YYYY-MM-DD: the last day with updates; null if unknown. */
  endOfLife: string | null
  /** Booting this version may write to the machine's disk; null if no recipe, layout or operator has decided. */
  installer: boolean | null
  revision: number
  createdAt: Date
  updatedAt: Date
}

/** The files that a variant needs, in the order of their download. The names of its tree's files are paths. */
export function filesOf(variant: Variant): FileRef[] {
  if (variant.kind === 'linux') {
    const tree = variant.tree?.map(({ path, sha256 }) => ({ sha256, name: path })) ?? []
    return [variant.kernel, ...variant.initrds, ...tree]
  }
  if (variant.kind === 'efi')
    return [variant.file, ...(variant.tree?.map(({ path, sha256 }) => ({ sha256, name: path })) ?? [])]
  if (variant.kind === 'wimboot') return [variant.wimboot, ...variant.files]
  return 'file' in variant ? [variant.file] : []
}

/**
 * The variant for a machine: its own arch, one for its platform before one for every platform. A 64-bit BIOS machine
 * also runs an i386 variant; UEFI of 64 bits loads no 32-bit program.
 */
export function findVariant(variants: Variant[], target: Target): Variant | undefined {
  const archs: Arch[] = target.arch === 'x86_64' && target.platform === 'pcbios' ? ['x86_64', 'i386'] : [target.arch]
  for (const arch of archs) {
    const fitting = variants.filter(
      (v) => v.arch === arch && (v.platform === undefined || v.platform === target.platform),
    )
    const best = fitting.find((v) => v.platform !== undefined) ?? fitting[0]
    if (best !== undefined && !(best.kind === 'efi' && target.platform !== 'efi')) return best
  }
  return undefined
}

/** Whether a text is a relative path without empty, `.` and `..` parts. A URL that a client makes of such a path stays below the tree. */
export function isTreePath(text: string): boolean {
  if (text.length > 255 || /[\\\p{C}\p{Zl}\p{Zp}]/u.test(text)) return false
  return text.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

const digests = new WeakMap<TreeFile[], string>()

/**
 * 16 hexadecimal digits that distinguish trees. A tree's URL contains them, so every cache may keep its files. The version alone is
 * not enough, because a deleted and recreated image starts at version 1 again.
 */
export function treeDigest(tree: TreeFile[]): string {
  const kept = digests.get(tree)
  if (kept !== undefined) return kept
  const hash = createHash('sha256')
  for (const { path, sha256 } of tree) hash.update(`${sha256} ${path}\n`)
  const digest = hash.digest('hex').slice(0, 16)
  digests.set(tree, digest)
  return digest
}

/** Whether the last day with updates is over. Both days are YYYY-MM-DD, which sort as texts. */
export function isPast(endOfLife: string | null | undefined, today: string): boolean {
  return typeof endOfLife === 'string' && endOfLife < today
}

/** The states of an import. */
export const importStates = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const
export type ImportState = (typeof importStates)[number]

/** The source of an import, and the properties of the image made from it. */
export type ImportPlan = {
  /** Only the variants for these; absent: all that there are. */
  archs?: Arch[] | undefined
  /** Absent: what the recipe or the layout calls it. */
  title?: string | undefined
  /** Absent: as the image was before, or as the recipe or the layout says. */
  installer?: boolean | undefined
  /** The version is not promoted. */
  draft?: boolean | undefined
  /** The stored program that boots Windows PE, for discs that do not have it. */
  wimboot?: FileRef | undefined
} & (
  | { kind: 'recipe'; recipe: string; mirror?: string | undefined }
  | { kind: 'url'; url: string; sha256?: string | undefined; sha512?: string | undefined; keepIso: boolean }
  /** A file that is stored already. */
  | { kind: 'file'; sha256: string; name: string; keepIso: boolean }
)
