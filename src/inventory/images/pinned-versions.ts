// The catalog with the image version of a deployment. Called by inventory/roster/held-catalog.ts and roster.ts.

import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { imageVersions } from '../../db/schema/images.ts'
import type { Catalog, CatalogImage } from '../../model/catalog.ts'

/** A version of an image that a deployment names. Which of its files are damaged is found when they are served. */
export type PinnedVersion = Pick<CatalogImage, 'variants' | 'installer'> & { image: string; version: number }

/** The columns of a version. */
export const pinnedColumns = {
  image: imageVersions.image,
  version: imageVersions.version,
  variants: imageVersions.variants,
  installer: imageVersions.installer,
}

/** Reads a version; undefined if it does not exist. */
export async function findPinnedVersion(db: Db, image: string, version: number): Promise<PinnedVersion | undefined> {
  const rows = await db
    .select(pinnedColumns)
    .from(imageVersions)
    .where(and(eq(imageVersions.image, image), eq(imageVersions.version, version)))
  return rows[0]
}

/**
 * A catalog in which an image has this version. If the version was deleted, the catalog has no image: the boot is refused,
 * and no other version is served.
 */
export function withVersion(catalog: Catalog, image: CatalogImage, found: PinnedVersion | undefined): Catalog {
  const images = new Map<string, CatalogImage>(catalog.images)
  if (found === undefined) images.delete(image.name)
  else
    images.set(image.name, {
      ...image,
      ...{ version: found.version, variants: found.variants, installer: found.installer },
    })
  return { ...catalog, images }
}
