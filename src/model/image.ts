// Images, their variants and trees, and plans of imports.
import { createHash } from 'node:crypto'
import { namePattern } from '../lib/ids/names.ts'
import type { Arch, Platform, Target } from './arch.ts'

/** What a file's hash looks like, in URLs and in the store. */
export const sha256Pattern = /^[0-9a-f]{64}$/

/** A stored file by its hash, and the name that it is served under. */
export type FileRef = { sha256: string; name: string }

/** A file that an installer fetches by its path below the tree's URL: `images/install.img`. */
export type TreeFile = { path: string; sha256: string }

/**
 * The CHAP accounts of an iSCSI target; `reverse` is that of the target (RFC 7143, 12.1). User names are Liquid and may use
 * secrets. A password is the name of a secret.
 */
export type Chap = {
  username: string
  password: string
  reverse?: { username: string; password: string } | undefined
}

/**
 * How an image boots on a kind of machine. A variant without a platform matches every firmware. Args are Liquid, one argument
 * each, and so are a SAN's `target` (`iscsi:…`, RFC 4173) and `initiator`. A wimboot's files have their names in Windows PE.
 * An EFI program in its tree is fetched from there, so that it finds its other files. `bootConfig` is the path of VMware's
 * boot.cfg in the tree. Bootwright renders boot.cfg for each boot, with the args as kernel options.
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

/** The kinds of variants. */
export const variantKinds = ['linux', 'wimboot', 'efi', 'ipxe', 'sanboot', 'local'] as const satisfies Variant['kind'][]

/** An image with its current version. */
export type Image = {
  name: string
  title: string
  version: number
  variants: Variant[]
  /** YYYY-MM-DD: the last day with updates; null if unknown. */
  endOfLife: string | null
  /** Whether this version may write to the machine's disk; null if no recipe, layout or operator decided. */
  installer: boolean | null
  revision: number
  createdAt: Date
  updatedAt: Date
}

/** An image, and one of its versions; without a version, the current one. */
export type ImageRef = { image: string; version?: number | undefined }

/** The name of an image, or with a version `debian-12@3`: the version is pinned. */
export function formatImageRef({ image, version }: ImageRef): string {
  return version === undefined ? image : `${image}@${version}`
}

/** The highest number of a version. */
export const maxVersion = 2_147_483_647

/** Parses `debian-12` and `debian-12@3`; undefined if the text is neither. */
export function parseImageRef(text: string): ImageRef | undefined {
  const [image = '', digits, ...more] = text.split('@')
  if (!namePattern.test(image) || more.length > 0) return undefined
  if (digits === undefined) return { image }
  const version = Number(digits)
  return /^[1-9]\d{0,9}$/.test(digits) && version <= maxVersion ? { image, version } : undefined
}

/** For people: an empty text, or `, pinned to version 3` after the name of an image. */
export function formatPin(version: number | undefined): string {
  return version === undefined ? '' : `, pinned to version ${version}`
}

/** The files of a variant, in the order of their downloads. Files of a tree have their paths as names. */
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
 * The variant for a machine: of its arch, and of its platform rather than of every platform. A 64-bit BIOS machine also
 * boots an i386 variant. 64-bit UEFI cannot load 32-bit programs.
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

/**
 * Whether a text is a relative path without empty parts, `.` and `..`. Any URL that a client builds from such a path stays
 * below the tree.
 */
export function isTreePath(text: string): boolean {
  if (text.length > 255 || /[\\\p{C}\p{Zl}\p{Zp}]/u.test(text)) return false
  return text.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

const digests = new WeakMap<TreeFile[], string>()

/**
 * 16 hexadecimal digits that identify a tree. The URL of a tree contains the digits, so caches may store its files. A version
 * alone is not unique: an image that was deleted and added again restarts with version 1.
 */
export function treeDigest(tree: TreeFile[]): string {
  const cached = digests.get(tree)
  if (cached !== undefined) return cached
  const hash = createHash('sha256')
  for (const { path, sha256 } of tree) hash.update(`${sha256} ${path}\n`)
  const digest = hash.digest('hex').slice(0, 16)
  digests.set(tree, digest)
  return digest
}

/** Whether the last day with updates is over. Both are YYYY-MM-DD, which sorts as text. */
export function isPast(endOfLife: string | null | undefined, today: string): boolean {
  return typeof endOfLife === 'string' && endOfLife < today
}

/** The states of an import. */
export const importStates = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const
export type ImportState = (typeof importStates)[number]

/** A file at a URL, and its expected hash. */
export type UrlFile = { url: string; sha256?: string | undefined }

/** A kernel, its initrds and its arguments. A platform that is absent means every platform. */
export type LinuxSource = {
  kernel: UrlFile
  initrds: UrlFile[]
  args: string[]
  arch: Arch
  platform?: Platform | undefined
}

/** What to download, and how to make an image from it. */
export type ImportPlan = {
  /** Import only the variants for these architectures; absent: all. */
  archs?: Arch[] | undefined
  /** Absent: the title in the recipe or the layout. */
  title?: string | undefined
  /** Absent: the image's previous value, or that of the recipe or the layout. */
  installer?: boolean | undefined
  /** Do not promote the version. Absent: do not promote it if something names the image. */
  draft?: boolean | undefined
  /** The stored program that boots Windows PE, for discs without it. */
  wimboot?: FileRef | undefined
} & (
  | { kind: 'recipe'; recipe: string; mirror?: string | undefined }
  | { kind: 'url'; url: string; sha256?: string | undefined; sha512?: string | undefined; keepIso: boolean }
  /** A kernel with its initrds, which have no installer around them that could be recognized. */
  | { kind: 'linux'; linux: LinuxSource }
  /** A stored file. */
  | { kind: 'file'; sha256: string; name: string; keepIso: boolean }
)

/** Where a recipe is: it ships with Bootwright, is a file in the data folder, or is in the database. */
export const recipeOrigins = ['shipped', 'data-folder', 'database'] as const
export type RecipeOrigin = (typeof recipeOrigins)[number]
