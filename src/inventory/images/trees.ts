// Finds files in the trees of images.

import { and, eq } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import type { Db } from '../../db/open.ts'
import { imageVersions } from '../../db/schema/images.ts'
import { treeDigest, type Variant } from '../../model/image.ts'

/** A tree of a version of an image, as in its URL. */
export type TreeKey = { image: string; version: number; digest: string }

/** Finds the hash of the file at a path of a tree; undefined if the tree or the file does not exist. */
export type FindTreeFile = (key: TreeKey, path: string) => Promise<string | undefined>

/** Files of trees that are kept in memory, some 200 bytes each. */
const maxKept = 100_000

/** The variants of a version of an image, if they are in memory. */
type HeldVariants = (image: string, version: number) => Variant[] | undefined

/**
 * Looks files up in trees that are kept in memory: installers ask for thousands, and many of them at once.
 * @param held versions that need no question to the database
 */
export function createFindTreeFile(db: Db, held: HeldVariants = () => undefined): FindTreeFile {
  const trees = new LRUCache<string, ReadonlyMap<string, string>, TreeKey>({
    maxSize: maxKept,
    sizeCalculation: (tree) => tree.size + 1,
    // Simultaneous requests for the same tree share one look-up.
    fetchMethod: async (_key, _stale, { context }) =>
      treeOf(held(context.image, context.version), context) ?? treeOf(await findVariants(db, context), context),
  })
  return async (key, path) => {
    const tree = await trees.fetch(`${key.image}/${key.version}/${key.digest}`, { context: key })
    return tree?.get(path)
  }
}

async function findVariants(db: Db, { image, version }: TreeKey): Promise<Variant[] | undefined> {
  const rows = await db
    .select({ variants: imageVersions.variants })
    .from(imageVersions)
    .where(and(eq(imageVersions.image, image), eq(imageVersions.version, version)))
  return rows[0]?.variants
}

function treeOf(variants: Variant[] | undefined, { digest }: TreeKey): ReadonlyMap<string, string> | undefined {
  const trees = variants?.flatMap((variant) => ('tree' in variant && variant.tree ? [variant.tree] : [])) ?? []
  const tree = trees.find((candidate) => treeDigest(candidate) === digest)
  return tree && new Map(tree.map(({ path, sha256 }) => [path, sha256]))
}
