// `bootwright image`: add, list and show.
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Image, ImageSaved } from '../../api/schemas/images/image.ts'
import { relativeNames, relativeWarning } from '../../intake/discs/layouts/ipxe-script.ts'
import { countedPath } from '../machines/concerns.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatEndOfLife, formatFit, formatTime } from '../shell/format.ts'
import { pathOf } from '../shell/path.ts'
import { formatFields, formatTable } from '../shell/table.ts'
import { addByRecipe, addImageImportCommands } from './image-import.ts'
import { addVariantOptions, faultIn, type GivenOptions, namesNothing, withTrees } from './options.ts'
import type { Place } from './source.ts'
import { requireFile, storeFile } from './upload.ts'
import {
  addDraftOptions,
  type DraftOptions,
  draftOf,
  findNextVersion,
  formatNextVersion,
  printNextStep,
} from './uses.ts'
import { describeVariant, variantWith, withVariant } from './variant.ts'
import { addImageVersionCommands } from './versions.ts'

type AddOptions = GivenOptions &
  DraftOptions & {
    title?: string
    installer?: true
    recipe?: string
    mirror?: string
    wait: boolean
  }

/** `bootwright image`. */
export function addImageCommand(program: Command, deps: CliDeps): void {
  const image = program.command('image').description('manage images, which machines can boot')

  addDraftOptions(addVariantOptions(image.command('add')))
    .description(
      'add an image from the recipe of the same name; with one of --kernel to --local, add or replace a variant of the image',
    )
    .argument('<name>', 'name of the image: a-z 0-9 . _ -')
    .option('--title <title>', 'title of the image for people')
    .option(
      '--installer',
      "mark as an installer: booting it may write to the machine's disk (default: as the recipe says)",
    )
    .option('--recipe <recipe>', 'name of the recipe (default: the name of the image)')
    .option('--mirror <url>', "for a recipe: URL that replaces the distribution's own server")
    .option('--no-wait', 'for a recipe: do not wait for the import')
    .action(async (name: string, options: AddOptions, command: Command) => {
      const byRecipe = namesNothing(options)
      const fault = byRecipe ? undefined : (faultIn(options) ?? recipeFaultIn(options))
      if (fault !== undefined) command.error(`error: ${fault}`)
      const client = clientOf(command, deps)
      if (byRecipe) return addByRecipe(command, deps, client, name, options)
      const path = pathOf('images', name)
      if (options.dryRun) {
        await variantWith(await withTrees(options, deps), (place) => requireFile(deps, place))
        return print(command, deps, await findNextVersion(client, name, options), (next) =>
          formatNextVersion(name, next),
        )
      }
      // Before a long download, check that the server is reachable and accepts the token.
      const before = await client.find<Image>(path)
      const complete = await withTrees(options, deps)
      const variant = await variantWith(complete, (place, role) => storeFile(client, deps, place, role))
      const current = await client.find<Image>(path)
      const body = {
        ...(options.title !== undefined && { title: options.title }),
        ...(options.installer && { installer: true }),
        ...draftOf(options),
        variants: withVariant(current?.variants ?? [], variant),
      }
      const saved = await client.ask<ImageSaved>('PUT', countedPath(path, undefined), body)
      const { draft: version = saved.version } = saved
      const same = version === before?.version ? ', as before' : ''
      print(
        command,
        deps,
        saved,
        () => `${saved.name} version ${version}${same}: ${saved.variants.map(formatFit).join(', ')}`,
      )
      await warnOfRelativeNames(deps, options.ipxe)
      await printNextStep(client, deps, saved, version, current?.version, saved.concerns)
    })

  addImageImportCommands(image, deps)

  image
    .command('list')
    .description('list images')
    .action(async (_options, command: Command) => {
      const items = await clientOf(command, deps).list<Image>('/images')
      print(command, deps, { items }, () =>
        formatTable(
          ['NAME', 'VERSION', 'VARIANTS', 'TITLE', 'UPDATED', 'END OF LIFE'],
          items.map((row) => [
            row.name,
            String(row.version),
            row.variants.map(formatFit).join(', '),
            row.title,
            formatTime(row.updatedAt),
            formatEndOfLife(row.endOfLife),
          ]),
        ),
      )
    })

  image
    .command('show')
    .description('show an image with its files and kernel arguments')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<Image>('GET', pathOf('images', name)), formatImage)
    })

  addImageVersionCommands(image, deps)
}

/** Warns of names without a server in a local iPXE script: iPXE cannot fetch them. */
async function warnOfRelativeNames(deps: CliDeps, place: Place | undefined): Promise<void> {
  if (place?.path === undefined) return
  const names = relativeNames((await readFile(place.path, 'utf8').catch(() => '')).slice(0, 65_536))
  if (names.length > 0) deps.err(`${relativeWarning(names)}\n`)
}

function recipeFaultIn({ recipe, mirror }: AddOptions): string | undefined {
  if (recipe !== undefined) return '--recipe cannot be combined with options for a variant'
  return mirror === undefined ? undefined : '--mirror needs a recipe'
}

function formatImage({ name, title, version, variants, endOfLife, installer, createdAt, updatedAt }: Image): string {
  const fields = formatFields({
    image: name,
    title,
    version: String(version),
    'end of life': formatEndOfLife(endOfLife),
    installer: installer === undefined ? '' : installer ? 'yes' : 'no',
    created: formatTime(createdAt),
    updated: formatTime(updatedAt),
  })
  const parts = variants.map((variant) => `\n\n${formatFit(variant)}: ${describeVariant(variant)}`)
  return `${fields}${parts.join('')}`
}
