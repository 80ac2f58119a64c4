// Loads the catalog, and caches it at its newest revision.

import { eq, isNotNull, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { answerFiles, answerFileVersions, files, images, imageVersions } from '../../db/schema/images.ts'
import { groups, menus } from '../../db/schema/machines.ts'
import { catalog } from '../../db/schema/system.ts'
import { type Catalog, type CatalogImage, compareGroups, type DamagedFile, recordedFault } from '../../model/catalog.ts'
import { filesOf, type Variant } from '../../model/image.ts'
import { compileSelector } from '../../model/selector.ts'
import type { StoredFile } from '../images/files.ts'
import { findPolicy } from '../machines/policy.ts'

/** Returns the catalog at the revision of a look-up, or a newer one. */
export type CatalogCache = { at: (revision: number) => Promise<Catalog> }

/**
 * A cache of the catalog. Triggers increment the catalog's revision with every change, and every look-up of a machine reads it.
 * So a change applies to the next script on every instance.
 */
export function createCatalogCache(db: Db): CatalogCache {
  let loaded: Catalog | undefined
  let loading: Promise<Catalog> | undefined
  return {
    at: async (revision) => {
      while (loaded === undefined || loaded.revision < revision) {
        // All callers that need a newer catalog share one load.
        loading ??= loadCatalog(db).finally(() => {
          loading = undefined
        })
        loaded = await loading
      }
      return loaded
    },
  }
}

/** Reads the whole catalog, as it is at one moment, over one connection. */
export async function loadCatalog(db: Db): Promise<Catalog> {
  return db.transaction((tx) => readCatalog(tx), {
    isolationLevel: 'repeatable read',
    accessMode: 'read only',
  })
}

async function readCatalog(db: Db): Promise<Catalog> {
  const revision = await readRevision(db)
  const policy = await findPolicy(db)
  const allGroups = await db.select().from(groups)
  const allImages = await db
    .select({
      name: images.name,
      version: images.currentVersion,
      variants: imageVersions.variants,
      endOfLife: images.endOfLife,
      createdAt: images.createdAt,
      installer: imageVersions.installer,
    })
    .from(images)
    .innerJoin(
      imageVersions,
      sql`${imageVersions.image} = ${images.name} and ${imageVersions.version} = ${images.currentVersion}`,
    )
  const allMenus = await db.select().from(menus)
  const allAnswerFiles = await db
    .select({
      name: answerFiles.name,
      version: answerFiles.currentVersion,
      documents: answerFileVersions.documents,
    })
    .from(answerFiles)
    .innerJoin(
      answerFileVersions,
      sql`${answerFileVersions.answerFile} = ${answerFiles.name} and ${answerFileVersions.version} = ${answerFiles.currentVersion}`,
    )
  const damagedFiles = await db
    .select({ sha256: files.sha256, damage: files.damage, damageKind: files.damageKind })
    .from(files)
    .where(isNotNull(files.damage))
  return {
    revision,
    policy,
    groups: allGroups.sort(compareGroups).map(({ name, priority, selector, assignment }) => ({
      name,
      priority,
      selector,
      assignment,
      refuses: compileSelector(selector),
    })),
    images: byName(allImages),
    menus: byName(allMenus),
    answerFiles: byName(allAnswerFiles),
    damaged: damagedVariants(allImages, damagedFiles),
  }
}

function damagedVariants(
  all: CatalogImage[],
  damagedFiles: Pick<StoredFile, 'sha256' | 'damage' | 'damageKind'>[],
): Map<Variant, DamagedFile> {
  const damages = new Map(damagedFiles.map((file) => [file.sha256, recordedFault(file)]))
  const found = new Map<Variant, DamagedFile>()
  if (damages.size === 0) return found
  for (const variant of all.flatMap((image) => image.variants)) {
    const file = filesOf(variant).find(({ sha256 }) => damages.has(sha256))
    const fault = damages.get(file?.sha256 ?? '')
    if (file !== undefined && fault !== undefined) found.set(variant, { name: file.name, ...fault })
  }
  return found
}

async function readRevision(db: Db): Promise<number> {
  const rows = await db.select({ revision: catalog.revision }).from(catalog).where(eq(catalog.id, 1))
  return rows[0]?.revision ?? 0
}

function byName<Thing extends { name: string }>(things: Thing[]): Map<string, Thing> {
  return new Map(things.map((thing) => [thing.name, thing]))
}
