// Finds files in the trees of images.

import { and, eq } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import type { Db } from '../../db/open.ts'
import { imageVersions } from '../../db/schema/images.ts'
import { treeDigest } from '../../model/image.ts'

/** A tree of a version of an image, as in its URL. */
export type TreeKey = { image: string; version: number; digest: string }

/** Finds the hash of the file at a path of a tree; undefined if the tree or the file does not exist. */
export type FindTreeFile = (key: TreeKey, path: string) => Promise<string | undefined>

/** Files of trees that are kept in memory, some 200 bytes each. */
const maxKept = 100_000

/** Looks files up in trees that are kept in memory: installers ask for thousands, and many of them at once. */
export function createFindTreeFile(db: Db): FindTreeFile {
  const trees = new LRUCache<string, ReadonlyMap<string, string>, TreeKey>({
    maxSize: maxKept,
    sizeCalculation: (tree) => tree.size + 1,
    // Simultaneous requests for the same tree share one look-up.
    fetchMethod: (_key, _stale, { context }) => loadTree(db, context),
  })
  return async (key, path) => {
    const tree = await trees.fetch(`${key.image}/${key.version}/${key.digest}`, { context: key })
    return tree?.get(path)
  }
}

async function loadTree(db: Db, { image, version, digest }: TreeKey): Promise<ReadonlyMap<string, string> | undefined> {
  const rows = await db
    .select({ variants: imageVersions.variants })
    .from(imageVersions)
    .where(and(eq(imageVersions.image, image), eq(imageVersions.version, version)))
  const trees = rows[0]?.variants.flatMap((variant) => ('tree' in variant && variant.tree ? [variant.tree] : [])) ?? []
  const tree = trees.find((candidate) => treeDigest(candidate) === digest)
  return tree && new Map(tree.map(({ path, sha256 }) => [path, sha256]))
}
