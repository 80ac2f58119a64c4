import { createHash } from 'node:crypto'
import { and, eq } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import type { Db } from '../../db/open.ts'
import { imageVersions } from '../../db/schema.ts'
import type { TreeFile } from './images.ts'

/**
 * Whether a text is a path below a tree: relative, of parts that are neither empty nor `.` nor `..`, so that however a client
 * puts a URL together from it, it stays below the tree.
 */
export function isTreePath(text: string): boolean {
  if (text.length > 255 || /[\\\p{C}\p{Zl}\p{Zp}]/u.test(text)) return false
  return text.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/** Which tree of which version of an image: what stands in its URL. */
export type TreeKey = { image: string; version: number; digest: string }

/** Gives the hash of the file at a path of a tree; undefined when there is no such tree, or no such file in it. */
export type FindTreeFile = (key: TreeKey, path: string) => Promise<string | undefined>

const digests = new WeakMap<TreeFile[], string>()

/**
 * 16 hexadecimal digits that tell one tree from another. With them in its URL a tree may be kept by every cache: an image that
 * was deleted and made anew begins again with version 1.
 */
export function treeDigest(tree: TreeFile[]): string {
  const known = digests.get(tree)
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for (const { path, sha256 } of tree) hash.update(`${sha256} ${path}\n`)
  const digest = hash.digest('hex').slice(0, 16)
  digests.set(tree, digest)
  return digest
}

/** Files of trees that are kept in memory, some 200 bytes each. */
const mostKept = 100_000

/** Looks files up in trees that are kept in memory: installers ask for thousands, and many of them at once. */
export function createFindTreeFile(db: Db): FindTreeFile {
  const trees = new LRUCache<string, ReadonlyMap<string, string>, TreeKey>({
    maxSize: mostKept,
    sizeCalculation: (tree) => tree.size + 1,
    // All who ask for the same tree at the same time wait for one look-up.
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
  const trees = rows[0]?.variants.flatMap((one) => ('tree' in one && one.tree ? [one.tree] : [])) ?? []
  const tree = trees.find((one) => treeDigest(one) === digest)
  return tree && new Map(tree.map(({ path, sha256 }) => [path, sha256]))
}
