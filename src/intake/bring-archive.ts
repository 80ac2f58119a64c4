import type { Arch, Platform } from '../arch.ts'
import { InputError } from '../errors.ts'
import type { FileRef, Variant } from '../inventory/images.ts'
import { isTreePath } from '../inventory/trees.ts'
import { findStored, takeOver } from './bring-url.ts'
import { fileNameOf } from './file-name.ts'
import type { Brought, Intake, Job } from './intake.ts'
import { type Iso, isoTexts, openIso } from './iso.ts'
import { findLayout, type Layout, type LayoutFile, type LayoutVariant } from './layouts.ts'

/** An ISO or archive that is here. */
export type Archive = {
  /** Where it is on this machine. */
  path: string
  /** What to call it. */
  name: string
  /** The whole of it as a file, for installers that want it. */
  whole: Brought
}

export type ArchiveWishes = {
  /** Absent: every one. */
  archs?: Arch[] | undefined
  platform?: Platform | undefined
  /** After those of each linux variant. */
  args?: string[] | undefined
  /** Every installer gets the ISO itself below its tree too. */
  keepIso: boolean
  /** The stored program that boots Windows PE. */
  wimboot?: FileRef | undefined
}

/** What came out of an archive. */
export type Unpacked = { layout: Layout; variants: Variant[]; files: Brought[] }

const fileNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const mostTreeFiles = 2000
const chunkBytes = 2 ** 20

/**
 * Recognises an archive, takes the files that are needed out of it into the store, and gives the variants that they make.
 * @throws InputError when it is none, is not recognised or has nothing for these machines; DiskFullError
 */
export async function bringArchive(
  intake: Intake,
  job: Job,
  archive: Archive,
  wishes: ArchiveWishes,
): Promise<Unpacked> {
  const { name } = archive
  const progress = { doneBytes: 0, totalBytes: null }
  job.report({ doing: `reading ${name}`, ...progress })
  const iso = await openIso(archive.path).catch((error: unknown) => {
    // The operator knows it by its name, not by where it lies.
    if (!(error instanceof InputError)) throw error
    throw new InputError(error.faults.map((fault) => ({ ...fault, value: name })))
  })
  try {
    const entries = await iso.list()
    const layout = await findLayout(entries, isoTexts(iso))
    if (layout === undefined)
      throw new InputError({ field: 'file', value: name, expected: 'an ISO or archive of a family that is known' })
    const chosen = choose(layout, wishes, name)
    const sizes = new Map(entries.map(({ path, sizeBytes }) => [path, sizeBytes]))
    const wanted = [...new Set(chosen.flatMap(pathsOf))]
    if (wanted.length > mostTreeFiles)
      throw new InputError({ field: 'file', value: name, expected: `at most ${mostTreeFiles} files that are needed` })
    const total = wanted.reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0)
    await intake.partials.requireRoom(total)

    const files = new Map<string, Brought>()
    let done = 0
    for (const path of wanted) {
      const report = (bytes: number) =>
        job.report({ doing: `unpacking ${path}`, doneBytes: done + bytes, totalBytes: total })
      const file = await unpack(intake, job, iso, path, files.size, report)
      files.set(path, file)
      done += file.sizeBytes
    }
    const variants = chosen.map((one) => variantOf(one, files, archive, wishes))
    const needsWhole = variants.some((one) => namesFile(one, archive.whole.sha256))
    return { layout, variants, files: [...files.values(), ...(needsWhole || wishes.keepIso ? [archive.whole] : [])] }
  } finally {
    await iso.close()
  }
}

function choose(layout: Layout, { archs, platform, wimboot }: ArchiveWishes, name: string): LayoutVariant[] {
  const chosen = layout.variants.filter(
    (one) =>
      (archs === undefined || archs.includes(one.arch)) &&
      (platform === undefined || one.platform === undefined || one.platform === platform),
  )
  if (chosen.length === 0)
    throw new InputError({
      field: 'archs',
      value: (archs ?? []).join(', '),
      expected: `some of those that ${name} has: ${[...new Set(layout.variants.map((one) => one.arch))].join(', ')}`,
    })
  if (chosen.some((one) => one.kind === 'wimboot' && one.wimboot === undefined) && wimboot === undefined)
    throw new InputError({
      field: 'wimboot',
      value: 'nothing',
      expected: 'the program of https://ipxe.org/wimboot, uploaded: Windows PE needs it, and it is not on the disc',
    })
  return platform === undefined ? chosen : chosen.map((one) => ({ ...one, platform }))
}

function pathsOf(variant: LayoutVariant): string[] {
  if (variant.kind === 'linux') return [variant.kernel, ...variant.initrds, ...variant.tree].map(({ path }) => path)
  if (variant.kind === 'wimboot')
    return [...variant.files, ...(variant.wimboot ? [variant.wimboot] : [])].map(({ path }) => path)
  return variant.file === 'iso' ? [] : [variant.file.path]
}

function variantOf(
  variant: LayoutVariant,
  files: Map<string, Brought>,
  archive: Archive,
  { args = [], keepIso, wimboot }: ArchiveWishes,
): Variant {
  const sha256 = (path: string) => files.get(path)?.sha256 ?? ''
  const ref = ({ path, name }: LayoutFile): FileRef => {
    if (!fileNamePattern.test(name))
      throw new InputError({ field: 'file', value: name, expected: 'a file name: letters, digits and . _ -' })
    return { sha256: sha256(path), name }
  }
  const fits = { arch: variant.arch, ...(variant.platform !== undefined && { platform: variant.platform }) }
  if (variant.kind === 'efi') return { ...fits, kind: 'efi', file: ref(variant.file), args: variant.args }
  if (variant.kind === 'wimboot') {
    const program = variant.wimboot ? ref(variant.wimboot) : wimboot
    if (program === undefined) throw new Error('a wimboot variant without wimboot was chosen')
    return { ...fits, kind: 'wimboot', wimboot: program, files: variant.files.map(ref), args: variant.args }
  }
  const whole = { sha256: archive.whole.sha256, name: archive.whole.name }
  if (variant.kind === 'sanboot')
    return { ...fits, kind: 'sanboot', file: variant.file === 'iso' ? whole : ref(variant.file) }

  const wholePath = variant.iso?.treePath ?? (keepIso ? whole.name : undefined)
  const tree = [
    ...variant.tree.map(({ path, treePath }) => ({ path: treePath, sha256: sha256(path) })),
    ...(wholePath === undefined ? [] : [{ path: wholePath, sha256: whole.sha256 }]),
  ]
  const wrong = tree.find(({ path }) => !isTreePath(path))
  if (wrong !== undefined) throw new InputError({ field: 'tree', value: wrong.path, expected: 'a relative path' })
  return {
    ...fits,
    kind: 'linux',
    kernel: ref(variant.kernel),
    initrds: variant.initrds.map(ref),
    args: [...variant.args, ...args],
    ...(tree.length > 0 && { tree }),
  }
}

function namesFile(variant: Variant, sha256: string): boolean {
  return JSON.stringify(variant).includes(sha256)
}

/** Takes one file out of an archive into the store, by way of a file that is hashed while it is written. */
async function unpack(
  intake: Intake,
  { id, signal }: Job,
  iso: Iso,
  path: string,
  index: number,
  report: (bytes: number) => void,
): Promise<Brought> {
  const { partials, maxFileBytes } = intake
  const key = `import-${id}-${index}`
  const partial = await partials.hold(key, { signal })
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
    if ((await findStored(intake, sha256)) === undefined) await takeOver(intake, sha256, partial)
    return { sha256, name: fileNameOf(path), sizeBytes, keep: async () => {} }
  } finally {
    await partials.remove(key)
    await partial.close()
  }
}

/** The same bytes in chunks that are worth a write. */
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
