// Versions of images that something pins: an assignment, a menu entry, the policy or an active deployment.

import { and, desc, eq, sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { imageVersions } from '../../db/schema/images.ts'
import { type FieldFault, InputError } from '../../lib/errors.ts'
import type { CatalogVersion } from '../../model/catalog.ts'
import { formatImageRef } from '../../model/image.ts'

const pinnedColumns = {
  image: imageVersions.image,
  version: imageVersions.version,
  variants: imageVersions.variants,
  installer: imageVersions.installer,
}

/** Reads a version; undefined if it does not exist. */
export async function findPinnedVersion(db: Db, image: string, version: number): Promise<CatalogVersion | undefined> {
  const rows = await db
    .select(pinnedColumns)
    .from(imageVersions)
    .where(and(eq(imageVersions.image, image), eq(imageVersions.version, version)))
  return rows[0]
}

/** Every pin, each as an image and a version. */
const pins = sql`
  select image, version from deployments where version is not null and ${isActiveSql(sql`state`)}
  union select assignment ->> 'image', (assignment ->> 'version')::int from machines where assignment ? 'version'
  union select assignment ->> 'image', (assignment ->> 'version')::int from groups where assignment ? 'version'
  union select policy ->> 'image', (policy ->> 'version')::int from policies where policy ? 'version'
  union select entry ->> 'image', (entry ->> 'version')::int from menus, jsonb_array_elements(entries) as e(entry)
    where entry ? 'version'`

/** Reads all versions that something pins. */
export async function listPinnedVersions(db: Db): Promise<CatalogVersion[]> {
  return db
    .select(pinnedColumns)
    .from(imageVersions)
    .where(sql`(${imageVersions.image}, ${imageVersions.version}) in (${pins})`)
}

/** An image and a version that a request names, with the field for messages. */
type NamedVersion = { image?: string | undefined; version?: number | undefined; field: string }

const maxListed = 20

/**
 * Checks that pinned versions exist, and locks them until the transaction ends: a request that deletes a version waits, and then
 * finds the pin.
 * @throws InputError that names every version that does not exist
 */
export async function holdVersions(db: Db, named: NamedVersion[]): Promise<void> {
  const faults: FieldFault[] = []
  for (const { image, version, field } of named) {
    if (image === undefined || version === undefined) continue
    const found = await db
      .select({ version: imageVersions.version })
      .from(imageVersions)
      .where(and(eq(imageVersions.image, image), eq(imageVersions.version, version)))
      .for('share')
    if (found.length > 0) continue
    const expected = await expectedVersion(db, image)
    faults.push({ field: [field, 'version'].filter(Boolean).join('.'), value: String(version), expected })
  }
  if (faults.length > 0) throw new InputError(faults)
}

async function expectedVersion(db: Db, image: string): Promise<string> {
  const rows = await db
    .select({ version: imageVersions.version })
    .from(imageVersions)
    .where(eq(imageVersions.image, image))
    .orderBy(desc(imageVersions.version))
    .limit(maxListed + 1)
  const numbers = rows.slice(0, maxListed).map(({ version }) => version)
  return `a version of image ${image}: ${numbers.join(', ')}${rows.length > maxListed ? ' or an older one' : ''}`
}

/** Those of the references (`debian-12@3`) that exist, locked until the transaction ends. */
export async function holdRefs(db: Db, refs: string[]): Promise<Set<string>> {
  if (refs.length === 0) return new Set()
  const found = await db.execute(sql`
    select image, version from image_versions
    where image || '@' || version in (select jsonb_array_elements_text(${JSON.stringify(refs)}::jsonb)) for share`)
  return new Set(rowsOf<{ image: string; version: number }>(found).map(formatImageRef))
}
