// Images and their current version.

import { isDeepStrictEqual } from 'node:util'
import { and, asc, desc, eq, gt, gte, like, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { changes } from '../../db/schema/changes.ts'
import { images, imageVersions } from '../../db/schema/images.ts'
import type { Tx } from '../../db/transaction.ts'
import { isSameJson } from '../../lib/canonical.ts'
import { InputError, requireFound } from '../../lib/errors.ts'
import { type Image, treeDigest, type Variant } from '../../model/image.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { deleteNamed, type NamedNoun, saveNamed } from '../common/named.ts'
import type { Precondition } from '../common/precondition.ts'
import { findUses, isNamed, refuseNamed } from '../machines/references.ts'
import { lockFiles } from './files.ts'
import { describePromotion, refuseOtherCurrent } from './promotions.ts'
import { refuseDuplicates, refuseUnknownFiles } from './variant-checks.ts'

const noun: NamedNoun<Image> = { noun: 'image', find: findImage, auditView, describeChange: describePromotion }

const selected = {
  name: images.name,
  title: images.title,
  version: images.currentVersion,
  variants: imageVersions.variants,
  endOfLife: images.endOfLife,
  installer: imageVersions.installer,
  revision: images.revision,
  createdAt: images.createdAt,
  updatedAt: images.updatedAt,
}
const current = and(eq(imageVersions.image, images.name), eq(imageVersions.version, images.currentVersion))

export async function findImage(db: Db, name: string): Promise<Image | undefined> {
  const rows = await db.select(selected).from(images).innerJoin(imageVersions, current).where(eq(images.name, name))
  return rows[0]
}

/** Images by name, those after `after`. */
export async function listImages(db: Db, limit: number, after?: string): Promise<Image[]> {
  const page = after === undefined ? undefined : gt(images.name, after)
  return db
    .select(selected)
    .from(images)
    .innerJoin(imageVersions, current)
    .where(page)
    .orderBy(asc(images.name))
    .limit(limit)
}

export type ImageChange = {
  title?: string | undefined
  variants: Variant[]
  /** Where the variants came from, kept with their version. */
  source?: string | undefined
  /** The recipe that made them, and the version that it found upstream. */
  recipe?: { name: string; version: string | undefined } | undefined
  /** YYYY-MM-DD; null takes it away. */
  endOfLife?: string | null | undefined
  installer?: boolean | null | undefined
  /**
   * Adds the variants as a version that machines boot only once it is promoted. `named`: only if something names the image. The
   * first version of an image is never a draft.
   */
  draft?: boolean | 'named' | undefined
  /** A draft leaves the title and the end of life as they are. */
  keepsAbout?: true | undefined
}

/**
 * Makes or changes an image. New variants become a new current version; the same variants change nothing.
 * The result says whether the image is new, and which version is a draft.
 * @throws InputError when a variant names a file that is not stored, or two variants are for the same machines; PreconditionError
 */
export async function saveImage(
  db: Db,
  name: string,
  change: ImageChange,
  precondition: Precondition,
  by: Actor,
): Promise<{ image: Image; created: boolean; draft?: number }> {
  const { variants, source } = change
  let draft: number | undefined
  refuseDuplicates(variants)
  return db.transaction(async (inside) => {
    // Garbage collection waits until the end: the files of the variants exist when the image can be booted.
    await lockFiles(inside)
    await refuseUnknownFiles(inside, variants)
    const { thing, created } = await saveNamed(inside, noun, name, precondition, by, async (tx, before) => {
      const same = before !== undefined && isSameJson(before.variants, variants)
      if (before !== undefined && !same && (await isDraft(tx, name, change.draft))) {
        draft = await addDraft(tx, before, change, by)
        const { installer: _, ...about } = aboutOf(change, before)
        const { title, endOfLife } = before
        if (!change.keepsAbout && !isDeepStrictEqual(about, { title, endOfLife }))
          await setCurrent(tx, before, { ...about, currentVersion: before.version })
        return
      }
      const { installer, ...about } = aboutOf(change, before ?? { title: name, endOfLife: null, installer: null })
      if (same) await setRecipe(tx, name, before.version, change.recipe)
      if (same && isDeepStrictEqual({ ...about, installer }, aboutOf({}, before))) return
      const version = same ? before.version : await nextVersion(tx, name, before)
      const values = { ...about, currentVersion: version }
      if (before === undefined) await tx.insert(images).values({ name, ...values })
      else await setCurrent(tx, before, values)
      if (same) await setInstaller(tx, name, version, installer)
      else
        await tx
          .insert(imageVersions)
          .values({ image: name, version, variants, source: source ?? null, ...recipeOf(change), installer })
    })
    return { image: thing, created, ...(draft !== undefined && { draft }) }
  })
}

/**
 * Changes the title, the end of life, the current version (to promote or roll back), or whether that version is an installer.
 * Every version has its own value of `installer`.
 * @param change `from`: the version that is current, or nothing changes
 * @throws NotFoundError, InputError, PreconditionError; ConflictError if another version than `from` is current
 */
export async function patchImage(
  db: Db,
  name: string,
  change: Partial<About> & { version?: number | undefined; from?: number | undefined },
  precondition: Precondition,
  by: Actor,
): Promise<Image> {
  const { thing } = await saveNamed(db, noun, name, precondition, by, async (tx, before) => {
    requireFound(before, `image ${name}`)
    await refuseOtherCurrent(tx, before, change.from)
    const { version = before.version } = change
    const { installer: _, ...about } = aboutOf(change, before)
    const versions = await versionNumbers(tx, name)
    if (!versions.includes(version))
      throw new InputError({ field: 'version', value: String(version), expected: `one of ${versions.join(', ')}` })
    const { installer = version === before.version ? before.installer : undefined } = change
    const same = version === before.version && isDeepStrictEqual({ ...about, installer }, aboutOf({}, before))
    if (installer !== undefined && !same) await setInstaller(tx, name, version, installer)
    if (!same) await setCurrent(tx, before, { ...about, currentVersion: version })
  })
  return thing
}

/** @throws NotFoundError, PreconditionError; ConflictError when a machine, a group, a menu, a deployment or the policy still names it */
export async function deleteImage(db: Db, name: string, precondition: Precondition, by: Actor): Promise<void> {
  await deleteNamed(db, noun, name, precondition, by, async (tx) => {
    await refuseNamed(tx, 'image', name)
    await tx.delete(images).where(eq(images.name, name))
  })
}

async function isDraft(tx: Tx, name: string, draft: ImageChange['draft']): Promise<boolean> {
  if (draft !== 'named') return draft === true
  return isNamed(await findUses(tx, 'image', name))
}

/** Adds a version that is not the current one, unless the newest is the same; gives its number. */
async function addDraft(tx: Tx, before: Image, change: ImageChange, by: Actor): Promise<number> {
  const { name } = before
  const { variants, source = null, installer = before.installer } = change
  const [newest] = await tx
    .select()
    .from(imageVersions)
    .where(eq(imageVersions.image, name))
    .orderBy(desc(imageVersions.version))
    .limit(1)
  if (newest !== undefined && isSameJson(newest.variants, variants)) {
    if (change.installer !== undefined) await setInstaller(tx, name, newest.version, change.installer)
    return newest.version
  }
  const version = await nextVersion(tx, name, before)
  await tx.insert(imageVersions).values({ image: name, version, variants, source, ...recipeOf(change), installer })
  const after = { version, variants: variants.map(withoutTree), source, installer }
  await recordChanges(tx, [{ actor: by, type: 'image.version-added', subject: name, after }])
  return version
}

// Never a number that was used before, even if its version was deleted: boots, caches and the audit log name it.
async function nextVersion(tx: Tx, name: string, before: Pick<Image, 'createdAt'> | undefined): Promise<number> {
  if (before === undefined) return 1
  const [logged] = await tx
    .select({ version: sql<number | null>`max((${changes.after} ->> 'version')::int)` })
    .from(changes)
    .where(and(eq(changes.subject, name), like(changes.type, 'image.%'), gte(changes.at, before.createdAt)))
  return Math.max(logged?.version ?? 0, ...(await versionNumbers(tx, name))) + 1
}

/** The newest first. */
async function versionNumbers(tx: Tx, name: string): Promise<number[]> {
  const rows = await tx
    .select({ version: imageVersions.version })
    .from(imageVersions)
    .where(eq(imageVersions.image, name))
    .orderBy(desc(imageVersions.version))
  return rows.map((row) => row.version)
}

/** What an image is besides its versions. */
type About = { [Field in 'title' | 'endOfLife' | 'installer']: Image[Field] | undefined }

/** Each field as it is changed, else as it was. */
function aboutOf(change: Partial<About>, before: Pick<Image, keyof About>): Pick<Image, keyof About> {
  const { title = before.title, endOfLife = before.endOfLife, installer = before.installer } = change
  return { title, endOfLife, installer }
}

async function setCurrent(
  tx: Tx,
  before: Image,
  values: Pick<Image, 'title' | 'endOfLife'> & { currentVersion: number },
): Promise<void> {
  await tx
    .update(images)
    .set({ ...values, revision: before.revision + 1, updatedAt: sql`now()` })
    .where(eq(images.name, before.name))
}

async function setInstaller(tx: Tx, name: string, version: number, installer: boolean | null): Promise<void> {
  await tx
    .update(imageVersions)
    .set({ installer })
    .where(and(eq(imageVersions.image, name), eq(imageVersions.version, version)))
}

function recipeOf({ recipe }: Pick<ImageChange, 'recipe'>) {
  return { recipe: recipe?.name ?? null, recipeVersion: recipe?.version ?? null }
}

/** A newer version of a recipe may have the same files. */
async function setRecipe(tx: Tx, name: string, version: number, recipe: ImageChange['recipe']): Promise<void> {
  if (recipe === undefined) return
  await tx
    .update(imageVersions)
    .set(recipeOf({ recipe }))
    .where(and(eq(imageVersions.image, name), eq(imageVersions.version, version)))
}

function auditView({ title, version, variants, endOfLife, installer }: Image) {
  return { title, version, variants: variants.map(withoutTree), endOfLife, installer }
}

/** A variant for the audit log: instead of a tree of thousands of files, their number and the tree's digest. */
export function withoutTree(variant: Variant) {
  if (!('tree' in variant) || variant.tree === undefined) return variant
  return { ...variant, tree: { files: variant.tree.length, digest: treeDigest(variant.tree) } }
}
