// `bootwright image import`, `imports` and `recipes`.
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { Import } from '../../api/schemas/images/import.ts'
import type { RecipeList } from '../../api/schemas/images/recipe.ts'
import { formatBytes } from '../../lib/text/format.ts'
import type { Arch } from '../../model/arch.ts'
import { addDryRun } from '../machines/concerns.ts'
import type { Client } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { endsSoon, formatEndOfLife, formatTime } from '../shell/format.ts'
import { operatorPath, pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'
import { importFolder } from './folder.ts'
import { printImage, type StartOptions, startImport } from './import.ts'
import { archsOption } from './options.ts'
import { listRecipes } from './recipe.ts'
import { type Place, parsePlace } from './source.ts'
import { storeFile } from './upload.ts'
import { addDraftOptions, type DraftOptions, draftOf, findNextVersion, formatNextVersion } from './uses.ts'

export type ImportOptions = DraftOptions & {
  name?: string
  title?: string
  installer?: boolean
  arch?: Arch[]
  sha256?: string
  sha512?: string
  keepIso?: true
  wimboot?: Place
  wait: boolean
}

/** `bootwright image import`, `image imports`, `image recipes`. */
export function addImageImportCommands(image: Command, deps: CliDeps): void {
  addDraftOptions(image.command('import'))
    .description('import an image from an ISO, or from an archive or a folder of netboot files; its parts are detected')
    .argument('<url|path>', 'URL for the server to download; or an ISO, archive or folder on this computer', parsePlace)
    .option('--name <name>', 'name of the image (default: detected)')
    .option('--title <title>', 'title of the image for people')
    .option('--installer', "mark as an installer: booting it may write to the machine's disk (default: detected)")
    .option('--no-installer', "mark as not an installer: booting it never writes to the machine's disk")
    .addOption(archsOption())
    .option('--sha256 <hex>', 'expected hash of the bytes at the URL', hexOf(64))
    .option('--sha512 <hex>', 'expected hash of the bytes at the URL', hexOf(128))
    .option('--keep-iso', 'let installers also fetch the ISO itself, below {{ tree }}')
    .option('--wimboot <path|url>', 'wimboot program, for Windows', parsePlace)
    .option('--no-wait', 'do not wait for the import')
    .action(async (place: Place, options: ImportOptions, command: Command) => {
      const client = clientOf(command, deps)
      const body = await requestOf(client, deps, options)
      if (place.url !== undefined) {
        const { sha256 = options.sha256 } = place
        const hashes = { ...(sha256 && { sha256 }), ...(options.sha512 && { sha512: options.sha512 }) }
        return startImport(command, deps, client, '/imports', { ...body, url: place.url.href, ...hashes }, options)
      }
      if (options.sha512 !== undefined) command.error('error: --sha512 needs a URL')
      const path = operatorPath(deps, place.path ?? '')
      const about = await stat(path).catch(() => undefined)
      if (about === undefined) throw new Error(`${place.path}: no such file or folder`)
      if (about.isDirectory()) {
        const saved = await importFolder(client, deps, path, options, body.wimboot)
        if ('name' in saved) return printNextVersion(command, deps, client, saved.name, options)
        return printImage(command, deps, client, saved.image, saved.version, saved.before)
      }
      if (/\.(efi|ipxe)$/i.test(path))
        throw new Error(
          `${basename(path)}: expected an ISO, an archive or a folder; to add this file: bootwright image add NAME --${/efi$/i.test(path) ? 'efi' : 'ipxe'} FILE`,
        )
      if (options.dryRun) return printNextVersion(command, deps, client, options.name, options)
      const sha256 = options.sha256 ?? place.sha256
      const iso = await storeFile(client, deps, { ...place, path, ...(sha256 && { sha256 }) }, 'ISO')
      return startImport(command, deps, client, '/imports', { ...body, file: iso.sha256 }, options)
    })

  const imports = image
    .command('imports')
    .description('list imports, newest first')
    .option('--all', 'list all imports, not only the last 20')
    .action(async ({ all }: { all?: true }, command: Command) => {
      const max = all ? Number.POSITIVE_INFINITY : 20
      const items = await clientOf(command, deps).list<Import>('/imports', {}, 'before', max)
      print(command, deps, { items }, () =>
        formatTable(
          ['ID', 'IMAGE', 'STATE', 'SOURCE', 'CREATED', 'DETAILS'],
          items.map((row) => [row.id, row.image, row.state, row.source, formatTime(row.createdAt), howOf(row)]),
        ),
      )
    })
  imports
    .command('cancel')
    .description('cancel an import')
    .argument('<id>')
    .action(async (id: string, _options, command: Command) => {
      await clientOf(command, deps).ask('POST', pathOf('imports', id, 'cancel'))
      deps.err(`import ${id} cancelled\n`)
    })
  addDryRun(imports.command('retry'))
    .description('start an import again that failed or was cancelled')
    .argument('<id>')
    .option('--no-wait', 'do not wait for the import')
    .action(async (id: string, options: StartOptions, command: Command) =>
      startImport(command, deps, clientOf(command, deps), pathOf('imports', id, 'retry'), undefined, options),
    )

  image
    .command('recipes')
    .description('list the recipes for image add NAME')
    .action(async (_options, command: Command) => listRecipes(command, deps))
}

/** `image add NAME` without options for a variant: imports the recipe. */
export async function addByRecipe(
  command: Command,
  deps: CliDeps,
  client: Client,
  name: string,
  options: DraftOptions & {
    recipe?: string
    mirror?: string
    arch?: Arch[]
    title?: string
    installer?: true
    wait: boolean
  },
): Promise<void> {
  const { recipe: recipeName = name, mirror, arch, title, installer } = options
  const { items, faults } = await client.ask<RecipeList>('GET', '/recipes')
  const recipe = items.find((row) => row.name === recipeName)
  if (recipe === undefined) {
    const wrong = faults
      .filter((fault) => fault.recipe === recipeName)
      .map(({ file, message }) => `${file}: ${message}`)
    throw new Error(
      wrong.join('\n') ||
        `no recipe named ${recipeName}; to list the recipes: bootwright image recipes; to add a variant without a recipe: --kernel or another option`,
    )
  }
  if (endsSoon(recipe.endOfLife)) deps.err(`${recipeName}: ${formatEndOfLife(recipe.endOfLife)}\n`)
  const body = {
    ...{ image: name, recipe: recipeName },
    ...(mirror !== undefined && { mirror }),
    ...(arch && { archs: arch }),
    ...(title !== undefined && { title }),
    ...(installer && { installer }),
    ...draftOf(options),
  }
  await startImport(command, deps, client, '/imports', body, options)
}

/** Prints what a new version of an image would be, after a dry run without the server. */
async function printNextVersion(
  command: Command,
  deps: CliDeps,
  client: Client,
  name: string | undefined,
  options: DraftOptions,
): Promise<void> {
  const next = name === undefined ? undefined : await findNextVersion(client, name, options)
  print(command, deps, { image: name, next }, () => formatNextVersion(name, next))
}

async function requestOf(client: Client, deps: CliDeps, options: ImportOptions) {
  const { name, title, installer, arch, keepIso, wimboot, dryRun } = options
  return {
    ...(name !== undefined && { image: name }),
    ...(title !== undefined && { title }),
    ...(installer !== undefined && { installer }),
    ...draftOf(options),
    ...(arch && { archs: arch }),
    ...(keepIso && { keepIso }),
    ...(wimboot && !dryRun && { wimboot: await storeFile(client, deps, wimboot, 'wimboot') }),
  }
}

function howOf({ state, doing, doneBytes, totalBytes, message, version }: Import): string {
  if (state === 'running')
    return totalBytes ? `${doing}, ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}` : doing
  return version === undefined ? (message ?? '') : `version ${version}`
}

function hexOf(digits: number): (text: string) => string {
  return (text) => {
    if (!new RegExp(`^[0-9a-f]{${digits}}$`, 'i').test(text))
      throw new InvalidArgumentError(`Expected ${digits} hexadecimal digits.`)
    return text.toLowerCase()
  }
}
