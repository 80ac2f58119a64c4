// The catalog with the image version of a deployment.

import { and, eq } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import type { Db } from '../../db/open.ts'
import { imageVersions } from '../../db/schema/images.ts'
import type { Catalog, CatalogImage } from '../../model/catalog.ts'

/** Gives a catalog in which an image has the version that a deployment was armed with. */
export type PinVersion = (catalog: Catalog, image: string, version: number) => Promise<Catalog>

const maxKept = 256

type Pinned = Pick<CatalogImage, 'variants' | 'installer'>

/**
 * The look-up over a database. Versions of an image never change, so each is read once. An image of the same name that
 * was deleted before had other versions, so the key holds when the image was made. Which files are damaged is found
 * when they are served (boot/damage.ts). If the version was deleted, the catalog has no image: the boot is refused, and
 * no other version is served.
 */
export function createPinVersion(db: Db): PinVersion {
  const kept = new LRUCache<string, Pinned, { image: string; version: number }>({
    max: maxKept,
    fetchMethod: async (_, __, { context: { image, version } }) => {
      const [row] = await db
        .select({ variants: imageVersions.variants, installer: imageVersions.installer })
        .from(imageVersions)
        .where(and(eq(imageVersions.image, image), eq(imageVersions.version, version)))
      return row
    },
  })
  return async (catalog, name, version) => {
    const current = catalog.images.get(name)
    if (current === undefined || current.version === version) return catalog
    const found = await kept.fetch(`${name} ${current.createdAt.getTime()} ${version}`, {
      context: { image: name, version },
    })
    const images = new Map<string, CatalogImage>(catalog.images)
    if (found === undefined) images.delete(name)
    else images.set(name, { ...current, version, ...found })
    return { ...catalog, images }
  }
}
