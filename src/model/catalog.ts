// The catalog: everything that decisions need besides the machine.
import type { AnswerDocument } from './answer-file.ts'
import type { Assignment } from './assignment.ts'
import { formatImageRef, type Image, type ImageRef, type Variant } from './image.ts'
import type { Menu } from './menu.ts'
import type { Policy } from './policy.ts'
import type { CompiledSelector, Condition } from './selector.ts'

/** A group as decisions use it. */
export type CatalogGroup = {
  name: string
  priority: number
  selector: Condition[]
  assignment: Assignment
  /** Returns the first condition that fails for a machine. */
  refuses: CompiledSelector
}
export type CatalogImage = Pick<Image, 'name' | 'version' | 'variants' | 'endOfLife' | 'createdAt' | 'installer'>
/** A version of an image. */
export type CatalogVersion = Pick<CatalogImage, 'variants' | 'installer'> & { image: string; version: number }
export type CatalogAnswerFile = { name: string; version: number; documents: AnswerDocument[] }

/** Everything that decisions depend on besides the machine, small enough for memory. */
export type Catalog = {
  revision: number
  policy: Policy
  /** The strongest first. */
  groups: CatalogGroup[]
  images: ReadonlyMap<string, CatalogImage>
  /** The versions of `images` that something pins, by reference: `debian-12@3`. */
  versions: ReadonlyMap<string, CatalogVersion>
  menus: ReadonlyMap<string, Pick<Menu, 'name' | 'title' | 'timeoutSeconds' | 'defaultEntry' | 'entries'>>
  answerFiles: ReadonlyMap<string, CatalogAnswerFile>
  /** The variants of `images` and `versions` with a damaged file: the first such file, and its damage. */
  damaged: ReadonlyMap<Variant, DamagedFile>
  /** Archived machines by their MACs and UUIDs. */
  archived?: ReadonlyMap<string, { id: string; name: string }>
}

/** An image with its current version, or with the version of the reference; undefined if there is no such image or version. */
export function findCatalogImage(
  { images, versions }: Pick<Catalog, 'images' | 'versions'>,
  ref: ImageRef,
): CatalogImage | undefined {
  const current = images.get(ref.image)
  if (current === undefined || ref.version === undefined || ref.version === current.version) return current
  const pinned = versions.get(formatImageRef(ref))
  if (pinned === undefined) return undefined
  const { version, variants, installer } = pinned
  return { ...current, version, variants, installer }
}

export type DamagedFile = { name: string } & FileFault

/** `missing`: the store does not have the file. `changed`: its bytes differ from what was stored. */
export const damageKinds = ['missing', 'changed'] as const
export type DamageKind = (typeof damageKinds)[number]

/** Why a file is not served. `damage` is a clause: "the file has 3 bytes instead of 5". */
export type FileFault = { kind: DamageKind; damage: string }

/** The status of a stored file, which decides whether it is served. `damage` is null while its bytes are correct. */
export type FileStatus = { sizeBytes: number; damage: string | null; damageKind: DamageKind | null }

/** The recorded fault of a file; undefined while its bytes are correct. */
export function recordedFault({ damage, damageKind }: Omit<FileStatus, 'sizeBytes'>): FileFault | undefined {
  return damage === null ? undefined : { kind: damageKind ?? 'changed', damage }
}

/** The fault of a stored file by its size alone. `storedBytes` is undefined if the file is missing in the store. */
export function sizeFault(sizeBytes: number, storedBytes: number | undefined): FileFault | undefined {
  if (storedBytes === undefined) return { kind: 'missing', damage: 'the file is missing in the store' }
  if (storedBytes === sizeBytes) return undefined
  return { kind: 'changed', damage: `the file has ${storedBytes} bytes instead of ${sizeBytes}` }
}

type Ranked = Pick<CatalogGroup, 'name' | 'priority' | 'selector'>

/** Sorts groups, the strongest first: by priority, then by number of conditions, then by name. */
export function compareGroups(a: Ranked, b: Ranked): number {
  return b.priority - a.priority || b.selector.length - a.selector.length || (a.name < b.name ? -1 : 1)
}
