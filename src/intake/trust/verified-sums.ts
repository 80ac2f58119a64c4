// The checksums of a recipe's files, from lists with verified signatures.
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { getSmall, InterruptedError } from '../../bytes/fetch/http-get.ts'
import type { Checksums } from '../../bytes/fetch/partial-file.ts'
import { redactUrl } from '../../lib/base-url.ts'
import type { Intake, Job } from '../intake.ts'
import type { Recipe, RecipeFile, RecipeSums } from '../recipe.ts'
import { readKey } from '../recipes.ts'
import { findChecksums, matchChecksum, nameInList } from './checksums.ts'
import { verifyClearSigned, verifyDetached } from './signature.ts'

/** Debian's Release, the largest such list, has 200 kB. A larger text would block the server while its pattern is matched. */
const maxListBytes = 4 * 2 ** 20

/** Fetches small texts, and caches them until the import ends. */
export type Texts = { get: (url: string, hasChecksum: boolean) => Promise<Buffer> }

export function createTexts(
  { connector, stallMs, minBytesPerSecond, retriesMs }: Intake,
  { signal, report }: Job,
): Texts {
  const cache = new Map<string, Buffer>()
  const fetchText = async (url: string, hasChecksum: boolean): Promise<Buffer> => {
    for (let failures = 0; ; failures++) {
      try {
        return await getSmall(new URL(url), maxListBytes, {
          connector,
          stallMs,
          minBytesPerSecond,
          hasChecksum,
          signal,
        })
      } catch (error) {
        const waitMs = retriesMs[failures]
        if (!(error instanceof InterruptedError) || waitMs === undefined) throw error
        report({ doing: `retrying to fetch ${redactUrl(url)} (${error.message})`, doneBytes: 0, totalBytes: null })
        await wait(Math.max(waitMs, error.retryAfterMs ?? 0), undefined, { signal })
      }
    }
  }
  return {
    get: async (url, hasChecksum) => {
      const cached = cache.get(url)
      if (cached !== undefined) return cached
      report({ doing: `fetching ${redactUrl(url)}`, doneBytes: 0, totalBytes: null })
      const bytes = await fetchText(url, hasChecksum)
      cache.set(url, bytes)
      return bytes
    },
  }
}

/**
 * The checksums of a recipe's file: its own, and those in its list, whose signature is verified first.
 * @throws SignatureError if the list lacks a valid signature; InputError if the list does not contain the file
 */
export async function checksumsOf(recipe: Recipe, file: RecipeFile, texts: Texts): Promise<Checksums> {
  const listed = file.sums === undefined ? {} : await listedChecksums(recipe, file.sums, file.url, texts)
  return { ...listed, ...(file.sha256 && { sha256: file.sha256 }), ...(file.sha512 && { sha512: file.sha512 }) }
}

async function listedChecksums(recipe: Recipe, sums: RecipeSums, fileUrl: string, texts: Texts): Promise<Checksums> {
  const text = await verifiedText(recipe, sums, texts)
  const listUrl = redactUrl(sums.url)
  if (sums.pattern !== undefined) return matchChecksum(text, sums.pattern, listUrl)
  return findChecksums(text, sums.name ?? nameInList(fileUrl, sums.url), listUrl)
}

async function verifiedText(recipe: Recipe, sums: RecipeSums, texts: Texts): Promise<string> {
  const { signature, key } = sums
  const bytes = await texts.get(sums.url, sums.sums !== undefined || signature !== undefined)
  const listUrl = redactUrl(sums.url)
  if (sums.sums !== undefined) {
    const checksums = await listedChecksums(recipe, sums.sums, sums.url, texts)
    for (const [name, value] of Object.entries(checksums)) {
      const actual = createHash(name).update(bytes).digest('hex')
      if (actual !== value) throw new Error(`${listUrl}: expected ${name} ${value}, got ${actual}`)
    }
  }
  if (signature === undefined) return bytes.toString()
  const keys = await readKey(recipe, key ?? '')
  if (signature === 'inline') return (await verifyClearSigned(bytes.toString(), keys, listUrl)).text
  await verifyDetached(bytes, await texts.get(signature, true), keys, listUrl)
  return bytes.toString()
}
