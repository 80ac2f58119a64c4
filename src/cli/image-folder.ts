import { open, readdir, stat } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { chooseVariants, mergedVariants, pathsOf, variantOf } from '../intake/layout-variants.ts'
import { type Entry, findLayout, mostTextBytes } from '../intake/layouts.ts'
import type { FileRef, Variant } from '../inventory/images.ts'
import type { Client } from './client.ts'
import type { CliDeps } from './deps.ts'
import type { ImportOptions } from './image-import.ts'
import type { Image } from './image-variant.ts'
import { parsePlace } from './source.ts'
import { storeFile } from './upload.ts'

const mostFiles = 200_000

/** Makes an image of a folder of this computer: an unpacked ISO, or netboot files. @throws Error for the operator */
export async function importFolder(
  client: Client,
  deps: CliDeps,
  folder: string,
  options: ImportOptions,
  wimboot: FileRef | undefined,
): Promise<Image> {
  const { name, title, arch, keepIso } = options
  if (keepIso) throw new Error(`${folder}: --keep-iso is for an ISO, and this is a folder`)
  const layout = await findLayout(await entriesIn(folder), (path) => readSmall(join(folder, path)))
  if (layout === undefined) throw new Error(`${folder}: no family of systems was recognised in it`)
  const chosen = chooseVariants(layout, { archs: arch, wimboot }, basename(folder))
  const imagePath = `/images/${encodeURIComponent(name ?? layout.suggestedName)}`
  // Before any long upload: is there a server, and may the image have this name?
  await client.find(imagePath)
  const hashes = new Map<string, string>()
  for (const path of new Set(chosen.flatMap(pathsOf)))
    hashes.set(path, (await storeFile(client, deps, { ...parsePlace(join(folder, path)) }, 'file')).sha256)
  const variants = chosen.map((one) => variantOf(one, hashes, { keepIso: false, wimboot }))

  const before = await client.find<{ variants: Variant[]; installer?: boolean }>(imagePath)
  const source = `folder ${basename(folder)
    .slice(0, 200)
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '_')}`
  const installer = options.installer ?? before?.installer ?? layout.installer
  const body = {
    title: title ?? layout.title,
    source,
    installer,
    variants: mergedVariants(before?.variants ?? [], variants),
  }
  const saved = await client.ask<Image>('PUT', imagePath, body)
  for (const note of layout.notes) deps.err(`${note}\n`)
  return saved
}

async function entriesIn(folder: string): Promise<Entry[]> {
  // A link to a file is that file; one to a folder is not followed.
  const names = await readdir(folder, { recursive: true })
  if (names.length > mostFiles) throw new Error(`${folder}: it has more than ${mostFiles} files`)
  const entries: Entry[] = []
  for (const name of names) {
    const about = await stat(join(folder, name)).catch(() => undefined)
    if (about?.isFile()) entries.push({ path: name.split(sep).join('/'), sizeBytes: about.size })
  }
  return entries
}

async function readSmall(path: string): Promise<string | undefined> {
  const file = await open(path).catch(() => undefined)
  try {
    const about = await file?.stat()
    return about?.isFile() && about.size <= mostTextBytes ? await file?.readFile('utf8') : undefined
  } finally {
    await file?.close()
  }
}
