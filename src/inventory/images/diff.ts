// Compares the variants of two versions.

import { canonical, isSameJson } from '../../lib/canonical.ts'
import type { Arch, Platform } from '../../model/arch.ts'
import type { Variant } from '../../model/image.ts'

/** One side of a file that differs. */
export type DiffFile = { sha256: string; name: string }

/** The differences of one variant. Its arch and platform identify a variant. */
export type VariantDiff = {
  arch: Arch
  /** Absent: every platform. */
  platform?: Platform | undefined
  change: 'added' | 'removed' | 'changed'
  /** By role: `kernel`, `initrd modules.gz`, `tree images/install.img`. Absent: the file is missing on that side. */
  files: { role: string; from?: DiffFile | undefined; to?: DiffFile | undefined }[]
  /** `reordered`: the same arguments in another order. */
  args: { removed: string[]; added: string[]; reordered: boolean }
  /** Everything else, as JSON: the kind, a SAN's target. */
  fields: { field: string; from?: string | undefined; to?: string | undefined }[]
}

/** The differences between the variants of two versions, without equal variants. Pure. */
export function diffVariants(from: Variant[], to: Variant[]): VariantDiff[] {
  const before = new Map(from.map((variant) => [fitOf(variant), variant]))
  const after = new Map(to.map((variant) => [fitOf(variant), variant]))
  const fits = [...new Set([...before.keys(), ...after.keys()])]
  return fits.flatMap((fit) => {
    const [a, b] = [before.get(fit), after.get(fit)]
    return isSameJson(a, b) ? [] : [diffVariant(a, b)]
  })
}

function diffVariant(from: Variant | undefined, to: Variant | undefined): VariantDiff {
  const { arch, platform } = (to ?? from) as Variant
  return {
    arch,
    ...(platform !== undefined && { platform }),
    change: from === undefined ? 'added' : to === undefined ? 'removed' : 'changed',
    files: diffFiles(rolesOf(from), rolesOf(to)),
    args: diffArgs(argsOf(from), argsOf(to)),
    fields: diffFields(fieldsOf(from), fieldsOf(to)),
  }
}

function fitOf({ arch, platform }: Variant): string {
  return `${arch} ${platform ?? ''}`
}

/** The files of a variant by role. A number distinguishes files with the same role and name. */
function rolesOf(variant: Variant | undefined): Map<string, DiffFile> {
  const roles = new Map<string, DiffFile>()
  const add = (role: string, file: DiffFile) => {
    let key = role
    for (let n = 2; roles.has(key); n++) key = `${role} (${n})`
    roles.set(key, file)
  }
  if (variant === undefined) return roles
  if (variant.kind === 'linux') {
    add('kernel', variant.kernel)
    for (const file of variant.initrds) add(`initrd ${file.name}`, file)
  }
  if (variant.kind === 'wimboot') {
    add('wimboot', variant.wimboot)
    for (const file of variant.files) add(`file ${file.name}`, file)
  }
  if ('file' in variant) add('file', variant.file)
  if ('tree' in variant) for (const { path, sha256 } of variant.tree ?? []) add(`tree ${path}`, { sha256, name: path })
  return roles
}

function diffFiles(from: Map<string, DiffFile>, to: Map<string, DiffFile>): VariantDiff['files'] {
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((role) => {
    const [a, b] = [from.get(role), to.get(role)]
    return a?.sha256 === b?.sha256 && a?.name === b?.name ? [] : [{ role, ...(a && { from: a }), ...(b && { to: b }) }]
  })
}

function argsOf(variant: Variant | undefined): string[] {
  return variant !== undefined && 'args' in variant ? variant.args : []
}

function diffArgs(from: string[], to: string[]): VariantDiff['args'] {
  const removed = without(from, to)
  const added = without(to, from)
  const same = removed.length === 0 && added.length === 0
  return { removed, added, reordered: same && from.some((arg, index) => arg !== to[index]) }
}

/** The items of a list without one equal item for each of the others. */
function without(list: string[], others: string[]): string[] {
  const counts = new Map<string, number>()
  for (const item of others) counts.set(item, (counts.get(item) ?? 0) + 1)
  return list.filter((item) => {
    const count = counts.get(item) ?? 0
    counts.set(item, count - 1)
    return count <= 0
  })
}

function fieldsOf(variant: Variant | undefined): Record<string, string> {
  const apart = new Set(['arch', 'platform', 'kernel', 'initrds', 'tree', 'wimboot', 'files', 'file', 'args'])
  const others = Object.entries(variant ?? {}).filter(([field, value]) => !apart.has(field) && value !== undefined)
  return Object.fromEntries(others.map(([field, value]) => [field, canonical(value)]))
}

function diffFields(from: Record<string, string>, to: Record<string, string>): VariantDiff['fields'] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .filter((field) => from[field] !== to[field])
    .map((field) => ({
      field,
      ...(from[field] !== undefined && { from: from[field] }),
      ...(to[field] !== undefined && { to: to[field] }),
    }))
}
