// The catalog: read from the database as plain values, which the roster can also write to its file, and built from them.

import { eq, isNotNull, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { answerFiles, answerFileVersions, files, images, imageVersions } from '../../db/schema/images.ts'
import { groups, menus, secrets } from '../../db/schema/machines.ts'
import { catalog } from '../../db/schema/system.ts'
import {
  type Catalog,
  type CatalogAnswerFile,
  type CatalogImage,
  type CatalogVersion,
  compareGroups,
  type DamagedFile,
  recordedFault,
} from '../../model/catalog.ts'
import { filesOf, formatImageRef, type Variant } from '../../model/image.ts'
import type { Menu } from '../../model/menu.ts'
import type { Policy } from '../../model/policy.ts'
import { compileSelector } from '../../model/selector.ts'
import type { StoredFile } from '../images/files.ts'
import { listPinnedVersions } from '../images/pinned-versions.ts'
import { listArchivedKeys } from '../machines/archive/archived.ts'
import { findPolicy } from '../machines/policy.ts'

/** The catalog in plain values. Triggers increment its revision with every change. */
export type CatalogRows = {
  revision: number
  policy: Policy
  groups: Pick<typeof groups.$inferSelect, 'name' | 'priority' | 'selector' | 'assignment'>[]
  /** Names and sealed values. */
  groupSecrets: { owner: string; name: string; sealed: string }[]
  /** `createdAt` in milliseconds since 1970. */
  images: (Omit<CatalogImage, 'createdAt'> & { createdAt: number })[]
  menus: Pick<Menu, 'name' | 'title' | 'timeoutSeconds' | 'defaultEntry' | 'entries'>[]
  answerFiles: CatalogAnswerFile[]
  damagedFiles: Pick<StoredFile, 'sha256' | 'sizeBytes' | 'damage' | 'damageKind'>[]
  /** The versions of images that something pins. */
  pinned: CatalogVersion[]
  /** The MACs and UUIDs of archived machines. Absent in a file that an earlier server saved. */
  archived?: { key: string; id: string; name: string }[]
}

/** Reads the whole catalog, as it is at one moment, over one connection. */
export async function readCatalog(db: Db): Promise<CatalogRows> {
  return db.transaction((tx) => readRows(tx), { isolationLevel: 'repeatable read', accessMode: 'read only' })
}

async function readRows(db: Db): Promise<CatalogRows> {
  const [counted] = await db.select({ revision: catalog.revision }).from(catalog).where(eq(catalog.id, 1))
  const policy = await findPolicy(db)
  const { name, priority, selector, assignment } = groups
  const allGroups = await db.select({ name, priority, selector, assignment }).from(groups)
  const groupSecrets = await db
    .select({ owner: secrets.owner, name: secrets.name, sealed: secrets.sealed })
    .from(secrets)
    .where(eq(secrets.ownerKind, 'group'))
    .orderBy(secrets.owner, secrets.name)
  const isCurrentVersion = sql`${imageVersions.image} = ${images.name} and ${imageVersions.version} = ${images.currentVersion}`
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
    .innerJoin(imageVersions, isCurrentVersion)
  const allMenus = await db
    .select({
      name: menus.name,
      title: menus.title,
      timeoutSeconds: menus.timeoutSeconds,
      defaultEntry: menus.defaultEntry,
      entries: menus.entries,
    })
    .from(menus)
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
    .select({ sha256: files.sha256, sizeBytes: files.sizeBytes, damage: files.damage, damageKind: files.damageKind })
    .from(files)
    .where(isNotNull(files.damage))
  return {
    revision: counted?.revision ?? 0,
    policy,
    groups: allGroups,
    groupSecrets,
    images: allImages.map((image) => ({ ...image, createdAt: image.createdAt.getTime() })),
    menus: allMenus,
    answerFiles: allAnswerFiles,
    damagedFiles,
    pinned: await listPinnedVersions(db),
    archived: await listArchivedKeys(db),
  }
}

/** The catalog as it is in the database now. */
export async function loadCatalog(db: Db): Promise<Catalog> {
  return catalogOf(await readCatalog(db))
}

/** Builds the catalog for decisions. */
export function catalogOf(rows: CatalogRows): Catalog {
  const allImages = rows.images.map((image) => ({ ...image, createdAt: new Date(image.createdAt) }))
  return {
    revision: rows.revision,
    policy: rows.policy,
    groups: [...rows.groups]
      .sort(compareGroups)
      .map((group) => ({ ...group, refuses: compileSelector(group.selector) })),
    images: byName(allImages),
    versions: new Map(rows.pinned.map((version) => [formatImageRef(version), version])),
    menus: byName(rows.menus),
    answerFiles: byName(rows.answerFiles),
    archived: new Map((rows.archived ?? []).map(({ key, ...machine }) => [key, machine])),
    damaged: damagedVariants([...allImages, ...rows.pinned], rows.damagedFiles),
  }
}

/** The variants with a damaged file, each with the first such file. */
export function damagedVariants(
  all: { variants: Variant[] }[],
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

function byName<Thing extends { name: string }>(things: Thing[]): Map<string, Thing> {
  return new Map(things.map((thing) => [thing.name, thing]))
}
