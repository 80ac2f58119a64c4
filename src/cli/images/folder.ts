// Images made from a folder on this computer.
import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Image, ImageSaved } from '../../api/schemas/images/image.ts'
import type { FileRef } from '../../api/schemas/images/variant.ts'
import { requireLayout } from '../../intake/discs/layout-folders.ts'
import {
  chooseVariants,
  mergedVariants,
  pathsOf,
  refuseUnreadable,
  variantOf,
} from '../../intake/discs/layout-variants.ts'
import { maxTextBytes } from '../../intake/discs/layouts.ts'
import type { Client } from '../shell/client.ts'
import type { CliDeps } from '../shell/deps.ts'
import { pathOf } from '../shell/path.ts'
import type { ImportOptions } from './image-import.ts'
import { placeAt } from './source.ts'
import { storeFile } from './upload.ts'
import { draftOf } from './uses.ts'
import { printLeftOut, walkFolder } from './walk-folder.ts'

/**
 * Makes an image from a folder on this computer: an unpacked ISO, or netboot files. A dry run only finds its name.
 * @throws Error for the operator
 */
export async function importFolder(
  client: Client,
  deps: CliDeps,
  folder: string,
  options: ImportOptions,
  wimboot: FileRef | undefined,
): Promise<{ image: Image; version: number; before: number | undefined } | { name: string }> {
  const { name, title, arch, keepIso } = options
  if (keepIso) throw new Error(`${folder}: --keep-iso needs an ISO, got a folder`)
  const { entries, leftOut } = await walkFolder(folder)
  printLeftOut(deps, folder, leftOut)
  const layout = await requireLayout(entries, (path) => readSmall(join(folder, path)), folder)
  const chosen = chooseVariants(layout, { archs: arch, wimboot }, basename(folder))
  refuseUnreadable(entries, [...new Set(chosen.flatMap(pathsOf))], folder)
  const imageName = name ?? layout.suggestedName
  if (options.dryRun) return { name: imageName }
  const imagePath = pathOf('images', imageName)
  // Before a long upload, check that the server is reachable and accepts the name of the image.
  await client.find(imagePath)
  const hashes = new Map<string, string>()
  for (const path of new Set(chosen.flatMap(pathsOf)))
    hashes.set(path, (await storeFile(client, deps, placeAt(join(folder, path)), 'file')).sha256)
  const variants = chosen.map((choice) => variantOf(choice, hashes, { keepIso: false, wimboot }))

  const before = await client.find<Image>(imagePath)
  const source = `folder ${basename(folder)
    .slice(0, 200)
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '_')}`
  const installer = options.installer ?? (layout.installer || (before?.installer ?? layout.installer))
  const body = {
    title: title ?? layout.title,
    source,
    installer,
    ...draftOf(options),
    variants: mergedVariants(before?.variants ?? [], variants),
  }
  const image = await client.ask<ImageSaved>('PUT', imagePath, body)
  for (const note of layout.notes) deps.err(`${note}\n`)
  return { image, version: image.draft ?? image.version, before: before?.version }
}

async function readSmall(path: string): Promise<string | undefined> {
  const file = await open(path).catch(() => undefined)
  try {
    const about = await file?.stat()
    return about?.isFile() && about.size <= maxTextBytes ? await file?.readFile('utf8') : undefined
  } finally {
    await file?.close()
  }
}
