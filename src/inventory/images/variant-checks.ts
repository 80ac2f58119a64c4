// Checks of the variants of a version, before they are saved.

import { inArray } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { files } from '../../db/schema/images.ts'
import { InputError } from '../../lib/errors.ts'
import { filesOf, type Variant } from '../../model/image.ts'
import { anyOf } from './files.ts'

/** @throws InputError for two variants of the same arch and platform */
export function refuseDuplicates(variants: Variant[]): void {
  const seen = new Set<string>()
  for (const [index, { arch, platform }] of variants.entries()) {
    const key = `${arch} ${platform ?? 'every platform'}`
    if (seen.has(key))
      throw new InputError({
        field: `variants[${index}]`,
        value: key,
        expected: 'one variant for each arch and platform',
      })
    seen.add(key)
  }
}

/** The limit of faults in one answer. */
const maxFaults = 50

/** @throws InputError for each file of the variants that is not stored, or empty where it may not be */
export async function refuseUnknownFiles(db: Db, variants: Variant[]): Promise<void> {
  const needed = variants.flatMap((variant, index) => {
    // An installer's further files may be empty; what a machine starts with may not.
    const inTree = 'tree' in variant ? (variant.tree?.length ?? 0) : 0
    const all = filesOf(variant)
    return all.map((file, at) => ({ ...file, field: `variants[${index}]`, mayBeEmpty: at >= all.length - inTree }))
  })
  if (needed.length === 0) return
  const hashes = anyOf(needed.map((file) => file.sha256))
  const rows = await db
    .select({ sha256: files.sha256, sizeBytes: files.sizeBytes })
    .from(files)
    .where(inArray(files.sha256, hashes))
  const stored = new Map(rows.map((file) => [file.sha256, file.sizeBytes]))
  const faults = needed.flatMap(({ field, name, sha256, mayBeEmpty }) => {
    const sizeBytes = stored.get(sha256)
    if (sizeBytes === undefined)
      return [{ field: `${field} ${name}`, value: sha256, expected: 'the sha256 of an uploaded file' }]
    return sizeBytes > 0 || mayBeEmpty
      ? []
      : [{ field: `${field} ${name}`, value: 'an empty file', expected: 'a file of at least 1 byte' }]
  })
  if (faults.length > 0) throw new InputError(faults.slice(0, maxFaults))
}
