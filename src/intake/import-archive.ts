// An import from an ISO or archive: recognises the system, and stores its files.
import { fileNameOf } from '../bytes/fetch/file-name.ts'
import { fromPartial, reuseStored, storeBytes } from '../files/keep.ts'
import { InputError } from '../lib/errors.ts'
import { filesOf, type Variant } from '../model/image.ts'
import { type Iso, isoTexts, openIso } from './discs/iso.ts'
import { requireLayout } from './discs/layout-folders.ts'
import { chooseVariants, type LayoutWishes, pathsOf, refuseUnreadable, variantOf } from './discs/layout-variants.ts'
import type { Layout } from './discs/layouts.ts'
import type { FetchedFile, Intake, Job } from './intake.ts'

/** A local ISO or archive. */
export type Archive = {
  /** Its path on this machine. */
  path: string
  /** The name that the operator knows. */
  name: string
  /** The ISO or archive itself as a file, for installers that fetch it. */
  whole: FetchedFile
}

/** The recognised layout of an archive, with its variants and files. */
export type Unpacked = { layout: Layout; variants: Variant[]; files: FetchedFile[] }

const maxTreeFiles = 2000
const chunkBytes = 2 ** 20

/**
 * Recognises an archive, stores the files that its variants need, and returns the variants.
 * @throws InputError if it is not an archive, is not recognised or has nothing for these machines; DiskFullError
 */
export async function importArchive(
  intake: Intake,
  job: Job,
  archive: Archive,
  wishes: LayoutWishes,
): Promise<Unpacked> {
  const { name } = archive
  const progress = { doneBytes: 0, totalBytes: null }
  job.report({ doing: `reading ${name}`, ...progress })
  const iso = await openIso(archive.path).catch((error: unknown) => {
    // The operator knows the name, not the path.
    if (!(error instanceof InputError)) throw error
    throw new InputError(error.faults.map((fault) => ({ ...fault, value: name })))
  })
  try {
    const entries = await iso.list()
    const layout = withLeftOut(await requireLayout(entries, isoTexts(iso), name), iso.leftOut)
    const chosen = chooseVariants(layout, wishes, name)
    const neededPaths = [...new Set(chosen.flatMap(pathsOf))]
    refuseUnreadable(entries, neededPaths, name)
    const sizes = new Map(entries.map(({ path, sizeBytes }) => [path, sizeBytes]))
    if (neededPaths.length > maxTreeFiles)
      throw new InputError({ field: 'file', value: name, expected: `at most ${maxTreeFiles} files that are needed` })
    const total = neededPaths.reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0)
    await intake.partials.requireRoom(total)

    const files = new Map<string, FetchedFile>()
    let done = 0
    for (const path of neededPaths) {
      const report = (bytes: number) =>
        job.report({ doing: `unpacking ${path}`, doneBytes: done + bytes, totalBytes: total })
      const file = await unpack(intake, job, iso, path, files.size, report)
      files.set(path, file)
      done += file.sizeBytes
    }
    const hashes = new Map([...files].map(([path, { sha256 }]) => [path, sha256]))
    const variants = chosen.map((variant) => variantOf(variant, hashes, wishes, archive.whole))
    const needsWhole = variants.flatMap(filesOf).some((file) => file.sha256 === archive.whole.sha256)
    return { layout, variants, files: [...files.values(), ...(needsWhole || wishes.keepIso ? [archive.whole] : [])] }
  } finally {
    await iso.close()
  }
}

function withLeftOut(layout: Layout, leftOut: string[]): Layout {
  if (leftOut.length === 0) return layout
  const links = `${leftOut.slice(0, 5).join('; ')}${leftOut.length > 5 ? `; and ${leftOut.length - 5} more` : ''}`
  return { ...layout, notes: [...layout.notes, `Links that were not followed: ${links}.`] }
}

/** Unpacks a file to a partial file, which is hashed while it is written, and stores it. */
async function unpack(
  intake: Intake,
  { id, signal }: Job,
  iso: Iso,
  path: string,
  index: number,
  report: (bytes: number) => void,
): Promise<FetchedFile> {
  const { partials, maxFileBytes } = intake
  const key = `import-${id}-${index}`
  const partial = await partials.open(key, { signal })
  try {
    await partial.truncate(0)
    report(0)
    for await (const chunk of gathered(iso.read(path))) {
      signal.throwIfAborted()
      if (partial.sizeBytes() + chunk.length > maxFileBytes)
        throw new InputError({ field: path, value: 'more', expected: `at most ${maxFileBytes} bytes` })
      await partial.append(chunk)
      report(partial.sizeBytes())
    }
    const sha256 = await partial.digest('sha256', signal)
    const sizeBytes = partial.sizeBytes()
    if ((await reuseStored(intake, sha256)) === undefined)
      await storeBytes(intake, sha256, fromPartial(sha256, partial))
    return { sha256, name: fileNameOf(path), sizeBytes, store: async () => {} }
  } finally {
    await partials.remove(key)
    await partial.close()
  }
}

/** The same bytes in larger chunks, for fewer writes. */
async function* gathered(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const part of bytes) {
    parts.push(part)
    length += part.length
    if (length < chunkBytes) continue
    yield Buffer.concat(parts)
    parts = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(parts)
}
