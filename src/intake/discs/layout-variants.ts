// Turns the variants of a layout into variants of an image.
import { InputError } from '../../lib/errors.ts'
import type { Arch, Platform } from '../../model/arch.ts'
import { type FileRef, isTreePath, type Variant } from '../../model/image.ts'
import type { Entry, Layout, LayoutFile, LayoutVariant } from './layouts.ts'

/** The operator's choices for a layout. */
export type LayoutWishes = {
  /** Absent: all architectures. */
  archs?: Arch[] | undefined
  platform?: Platform | undefined
  /** Appended to the arguments of each linux variant. */
  args?: string[] | undefined
  /** Whether the tree of every linux variant also contains the ISO itself. */
  keepIso: boolean
  /** The stored wimboot program, which boots Windows PE. */
  wimboot?: FileRef | undefined
}

const fileNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/**
 * Chooses variants of a layout.
 * @param name what the operator calls the ISO, archive or folder
 * @throws InputError if no variant matches
 */
export function chooseVariants(
  layout: Layout,
  { archs, platform, wimboot }: Omit<LayoutWishes, 'keepIso'>,
  name: string,
): LayoutVariant[] {
  const chosen = layout.variants.filter(
    (variant) =>
      (archs === undefined || archs.includes(variant.arch)) &&
      (platform === undefined || variant.platform === undefined || variant.platform === platform),
  )
  if (chosen.length === 0)
    throw new InputError({
      field: 'archs',
      value: (archs ?? []).join(', '),
      expected: `some of those that ${name} has: ${[...new Set(layout.variants.map((variant) => variant.arch))].join(', ')}`,
    })
  if (chosen.some((variant) => variant.kind === 'wimboot' && variant.wimboot === undefined) && wimboot === undefined)
    throw new InputError({
      field: 'wimboot',
      value: 'nothing',
      expected: 'the program of https://ipxe.org/wimboot, uploaded: Windows PE needs it, and it is not on the disc',
    })
  return platform === undefined ? chosen : chosen.map((variant) => ({ ...variant, platform }))
}

/** The paths of the files that a variant needs, in the ISO, archive or folder. */
export function pathsOf(variant: LayoutVariant): string[] {
  if (variant.kind === 'linux') return [variant.kernel, ...variant.initrds, ...variant.tree].map(({ path }) => path)
  if (variant.kind === 'wimboot')
    return [...variant.files, ...(variant.wimboot ? [variant.wimboot] : [])].map(({ path }) => path)
  if (variant.kind === 'efi') return [variant.file, ...(variant.tree ?? [])].map(({ path }) => path)
  return variant.file === 'iso' ? [] : [variant.file.path]
}

const maxFaults = 20

/**
 * @throws InputError that names the files that an image needs and that cannot be read: devices, links to outside or to nothing,
 * empty files
 */
export function refuseUnreadable(entries: Entry[], neededPaths: string[], name: string): void {
  const faults = new Map(
    entries.map((entry) => [entry.path, entry.fault ?? (entry.sizeBytes === 0 ? 'an empty file' : '')]),
  )
  const found = neededPaths.flatMap((path) => {
    const fault = faults.get(path)
    return fault
      ? [{ field: path, value: fault, expected: `a file of at least 1 byte, or a link to one in ${name}` }]
      : []
  })
  if (found.length > 0) throw new InputError(found.slice(0, maxFaults))
}

/**
 * Replaces the paths of a variant by hashes.
 * @param hashes of the files by their paths
 * @param whole the ISO itself, if there is one
 * @throws InputError if a name or path is not allowed in a URL
 */
export function variantOf(
  variant: LayoutVariant,
  hashes: Map<string, string>,
  { args = [], keepIso, wimboot }: LayoutWishes,
  whole?: FileRef,
): Variant {
  const sha256 = (path: string): string => {
    const hash = hashes.get(path)
    if (hash === undefined) throw new Error(`${path} is needed and was not given`)
    return hash
  }
  const ref = ({ path, name }: LayoutFile): FileRef => {
    if (!fileNamePattern.test(name))
      throw new InputError({ field: 'file', value: name, expected: 'a file name: letters, digits and . _ -' })
    return { sha256: sha256(path), name }
  }
  const fits = { arch: variant.arch, ...(variant.platform !== undefined && { platform: variant.platform }) }
  if (variant.kind === 'efi') {
    const tree = variant.tree?.map(({ path, treePath }) => ({ path: treePath, sha256: sha256(path) }))
    const { bootConfig } = variant
    const further = { ...(tree && { tree }), ...(bootConfig !== undefined && { bootConfig }) }
    return { ...fits, kind: 'efi', file: ref(variant.file), args: variant.args, ...further }
  }
  if (variant.kind === 'wimboot') {
    const program = variant.wimboot ? ref(variant.wimboot) : wimboot
    if (program === undefined) throw new Error('a wimboot variant without wimboot was chosen')
    return { ...fits, kind: 'wimboot', wimboot: program, files: variant.files.map(ref), args: variant.args }
  }
  const iso = (): FileRef => {
    if (whole === undefined) throw new InputError({ field: 'file', value: 'a folder', expected: 'the ISO itself' })
    return { sha256: whole.sha256, name: whole.name }
  }
  if (variant.kind === 'sanboot')
    return { ...fits, kind: 'sanboot', file: variant.file === 'iso' ? iso() : ref(variant.file) }

  const wholePath = variant.iso?.treePath ?? (keepIso ? whole?.name : undefined)
  const tree = [
    ...variant.tree.map(({ path, treePath }) => ({ path: treePath, sha256: sha256(path) })),
    ...(wholePath === undefined ? [] : [{ path: wholePath, sha256: iso().sha256 }]),
  ]
  const wrong = tree.find(({ path }) => !isTreePath(path))
  if (wrong !== undefined) throw new InputError({ field: 'tree', value: wrong.path, expected: 'a relative path' })
  return {
    ...fits,
    kind: 'linux',
    kernel: ref(variant.kernel),
    initrds: variant.initrds.map(ref),
    args: [...variant.args, ...args],
    ...(tree.length > 0 && { tree }),
  }
}

/** The variants of an image, in which new variants replace all variants of the same architectures. */
export function mergedVariants(before: Variant[], brought: Variant[]): Variant[] {
  const archs = new Set(brought.map(({ arch }) => arch))
  return [...before.filter(({ arch }) => !archs.has(arch)), ...brought]
}
