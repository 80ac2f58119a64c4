// The checksums of a recipe's file, from lists whose signatures are verified.
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { getSmall, InterruptedError } from '../../bytes/fetch/http-get.ts'
import type { Checksums } from '../../bytes/fetch/partial-file.ts'
import { redactUrl } from '../../lib/base-url.ts'
import type { Intake, Job } from '../intake.ts'
import { type Recipe, type RecipeFile, type RecipeSums, readKey } from '../recipes.ts'
import { findChecksums, matchChecksum, nameInList } from './checksums.ts'
import { verifyClearSigned, verifyDetached } from './signature.ts'

/** The largest there is, Debian's Release, has 200 kB. A pattern is looked for in all of it, while machines wait. */
const maxListBytes = 4 * 2 ** 20

/** Fetches small texts and keeps them for the rest of an import. */
export type Texts = { get: (url: string, hashKnown: boolean) => Promise<Buffer> }

export function createTexts(
  { connector, stallMs, minBytesPerSecond, retriesMs }: Intake,
  { signal, report }: Job,
): Texts {
  const known = new Map<string, Buffer>()
  const fetchOne = async (url: string, hashKnown: boolean): Promise<Buffer> => {
    for (let failures = 0; ; failures++) {
      try {
        return await getSmall(new URL(url), maxListBytes, { connector, stallMs, minBytesPerSecond, hashKnown, signal })
      } catch (error) {
        const waitMs = retriesMs[failures]
        if (!(error instanceof InterruptedError) || waitMs === undefined) throw error
        report({ doing: `trying again to fetch ${redactUrl(url)} (${error.message})`, doneBytes: 0, totalBytes: null })
        await wait(Math.max(waitMs, error.retryAfterMs ?? 0), undefined, { signal })
      }
    }
  }
  return {
    get: async (url, hashKnown) => {
      const before = known.get(url)
      if (before !== undefined) return before
      report({ doing: `fetching ${redactUrl(url)}`, doneBytes: 0, totalBytes: null })
      const bytes = await fetchOne(url, hashKnown)
      known.set(url, bytes)
      return bytes
    },
  }
}

/**
 * The checksums of a recipe's file: those it names, and those of the list it names, whose signature is verified first.
 * @throws SignatureError for a list that is not signed as the recipe says; InputError when the list does not have the file
 */
export async function checksumsOf(recipe: Recipe, file: RecipeFile, texts: Texts): Promise<Checksums> {
  const listed = file.sums === undefined ? {} : await listedChecksums(recipe, file.sums, file.url, texts)
  return { ...listed, ...(file.sha256 && { sha256: file.sha256 }), ...(file.sha512 && { sha512: file.sha512 }) }
}

async function listedChecksums(recipe: Recipe, sums: RecipeSums, fileUrl: string, texts: Texts): Promise<Checksums> {
  const text = await verifiedText(recipe, sums, texts)
  const shown = redactUrl(sums.url)
  if (sums.pattern !== undefined) return matchChecksum(text, sums.pattern, shown)
  return findChecksums(text, sums.name ?? nameInList(fileUrl, sums.url), shown)
}

async function verifiedText(recipe: Recipe, sums: RecipeSums, texts: Texts): Promise<string> {
  const { signature, key } = sums
  const bytes = await texts.get(sums.url, sums.sums !== undefined || signature !== undefined)
  const shown = redactUrl(sums.url)
  if (sums.sums !== undefined) {
    const wanted = await listedChecksums(recipe, sums.sums, sums.url, texts)
    for (const [name, value] of Object.entries(wanted)) {
      const actual = createHash(name).update(bytes).digest('hex')
      if (actual !== value) throw new Error(`${shown}: its ${name} is ${actual}, not ${value} as it should be`)
    }
  }
  if (signature === undefined) return bytes.toString()
  const keys = await readKey(recipe, key ?? '')
  if (signature === 'inline') return (await verifyClearSigned(bytes.toString(), keys, shown)).text
  await verifyDetached(bytes, await texts.get(signature, true), keys, shown)
  return bytes.toString()
}
