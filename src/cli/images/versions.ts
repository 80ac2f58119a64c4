// `bootwright image`: set, versions, promote, rollback, diff, verify and delete.
import { type Command, InvalidArgumentError } from 'commander'
import type { Image, ImagePatched } from '../../api/schemas/images/image.ts'
import type { ImageDiff, ImageVersionList } from '../../api/schemas/images/version.ts'
import { formatBytes } from '../../lib/text/format.ts'
import { addDryRun, countedPath, deleteCounted, printConcerns } from '../machines/concerns.ts'
import { withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatFit, formatTime } from '../shell/format.ts'
import { parseVersion } from '../shell/numbers.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'
import { verifyAndPrint } from './verify.ts'

type DiffFile = NonNullable<ImageDiff['variants'][number]['files'][number]['from']>
type SetOptions = { title?: string; endOfLife?: string; installer?: boolean; dryRun?: true }

/** `bootwright image set`, `versions`, `promote`, `rollback`, `diff`, `verify`, `delete`. */
export function addImageVersionCommands(image: Command, deps: CliDeps): void {
  addDryRun(image.command('set'))
    .description('set the title or end-of-life date of an image, or whether it is an installer')
    .argument('<name>')
    .option('--title <title>', 'title of the image for people')
    .option('--end-of-life <day>', 'last day with updates, YYYY-MM-DD; or none', parseDay)
    .option('--installer', "mark as an installer: booting it may write to the machine's disk")
    .option('--no-installer', "mark as not an installer: booting it never writes to the machine's disk")
    .action(async (name: string, options: SetOptions, command: Command) => {
      const { title, endOfLife, installer, dryRun } = options
      if (title === undefined && endOfLife === undefined && installer === undefined)
        command.error('error: expected one of --title, --end-of-life, --installer and --no-installer')
      const body = {
        ...(title !== undefined && { title }),
        ...(endOfLife !== undefined && { endOfLife: endOfLife === 'none' ? null : endOfLife }),
        ...(installer !== undefined && { installer }),
      }
      const path = countedPath(pathOf('images', name), dryRun)
      const saved = await clientOf(command, deps).ask<ImagePatched>('PATCH', path, body)
      print(command, deps, saved, () => `${saved.name} ${dryRun ? 'would be changed' : 'changed'}`)
      printConcerns(deps, saved.concerns)
    })

  image
    .command('versions')
    .description('list the versions of an image')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      const versions = await clientOf(command, deps).ask<ImageVersionList>('GET', pathOf('images', name, 'versions'))
      print(command, deps, versions, formatVersions)
    })

  addDryRun(image.command('promote'))
    .description('promote a version of an image: machines boot it from now on')
    .argument('<name>')
    .argument('<version>', 'number of the version', parseVersion)
    .option('--from <version>', 'version that must be current, or nothing changes', parseVersion)
    .action(async (name: string, version: number, options: PromoteOptions, command: Command) => {
      const { version: current } = await clientOf(command, deps).ask<Image>('GET', pathOf('images', name))
      await promote(command, deps, name, version, { from: current, ...options })
    })

  addDryRun(image.command('rollback'))
    .description('roll back to the version that machines booted before the current one')
    .argument('<name>')
    .action(async (name: string, options: PromoteOptions, command: Command) => {
      const { items, rollback } = await clientOf(command, deps).ask<ImageVersionList>(
        'GET',
        pathOf('images', name, 'versions'),
      )
      if (rollback === undefined) throw new Error(`image ${name} has no version to roll back to`)
      const from = items.find(({ current }) => current)?.version
      await promote(command, deps, name, rollback, { from, ...options })
    })

  image
    .command('diff')
    .description('compare two versions of an image')
    .argument('<name>')
    .argument('[from]', 'number of a version (default: the target of a rollback)', parseVersion)
    .argument('[to]', 'number of a version (default: the current version)', parseVersion)
    .action(async (name: string, from: number | undefined, to: number | undefined, _options, command: Command) => {
      const query = { from: from?.toString(), to: to?.toString() }
      const diff = await clientOf(command, deps).ask<ImageDiff>('GET', withQuery(pathOf('images', name, 'diff'), query))
      print(command, deps, diff, formatDiff)
    })

  image
    .command('verify')
    .description('verify the files of images, in all versions (all images, if none is given)')
    .argument('[names...]')
    .action(async (names: string[], _options, command: Command) => {
      const client = clientOf(command, deps)
      const images = names.length > 0 ? names : (await client.list<Image>('/images')).map((image) => image.name)
      if (images.length === 0) throw new Error('there are no images')
      await verifyAndPrint(command, deps, client, { images })
    })

  addDryRun(image.command('delete'))
    .description('delete an image that nothing refers to, or a version of it; its files stay until bootwright file gc')
    .argument('<name>')
    .argument('[version]', 'number of a version that is not current: delete only this one', parseVersion)
    .action(async (name: string, version: number | undefined, options: { dryRun?: true }, command: Command) => {
      const path = version === undefined ? pathOf('images', name) : pathOf('images', name, 'versions', String(version))
      const what = `${version === undefined ? '' : `version ${version} of `}image ${name}`
      await deleteCounted(clientOf(command, deps), deps, path, what, options.dryRun)
    })
}

type PromoteOptions = { from?: number | undefined; dryRun?: true }

/** Promotes a version, if no other person promoted one since `from` was read. */
async function promote(
  command: Command,
  deps: CliDeps,
  name: string,
  version: number,
  { from, dryRun }: PromoteOptions,
): Promise<void> {
  const path = countedPath(pathOf('images', name), dryRun)
  const saved = await clientOf(command, deps).ask<ImagePatched>('PATCH', path, { version, from })
  const verb = dryRun ? 'would boot' : 'boot'
  print(command, deps, saved, () => `machines ${verb} ${saved.name} version ${saved.version} from now on`)
  printConcerns(deps, saved.concerns)
}

function formatVersions({ items, rollback }: ImageVersionList): string {
  return formatTable(
    ['VERSION', 'CURRENT', 'VARIANTS', 'SOURCE', 'CREATED'],
    items.map(({ version, current, variants, source, createdAt }) => [
      String(version),
      current ? 'yes' : version === rollback ? 'after a rollback' : '',
      variants.map(formatFit).join(', '),
      source,
      formatTime(createdAt),
    ]),
  )
}

/** Lines as in a patch: `-` is only in the first version, `+` only in the second. */
function formatDiff({ from, to, variants }: ImageDiff): string {
  if (variants.length === 0) return `versions ${from} and ${to} are equal`
  const lines = variants.flatMap((variant) => {
    const files = variant.files.flatMap((file) => [
      ...(file.from ? [`- ${formatFile(file.role, file.from)}`] : []),
      ...(file.to ? [`+ ${formatFile(file.role, file.to)}`] : []),
    ])
    const args = [
      ...variant.args.removed.map((arg) => `- arg ${arg}`),
      ...variant.args.added.map((arg) => `+ arg ${arg}`),
      ...(variant.args.reordered ? ['  args in another order'] : []),
    ]
    const fields = variant.fields.flatMap(({ field, from: before, to: after }) => [
      ...(before === undefined ? [] : [`- ${field} ${before}`]),
      ...(after === undefined ? [] : [`+ ${field} ${after}`]),
    ])
    return [`${formatFit(variant)}: ${variant.change}`, ...[...files, ...args, ...fields].map((line) => `  ${line}`)]
  })
  return [`version ${from} -> ${to}`, ...lines].join('\n')
}

function formatFile(role: string, { sha256, name, sizeBytes }: DiffFile): string {
  const named = role.includes(name) ? role : `${role} ${name}`
  return [named, sizeBytes === undefined ? '' : formatBytes(sizeBytes), sha256.slice(0, 12)].filter(Boolean).join('  ')
}

function parseDay(text: string): string {
  if (text !== 'none' && !/^\d{4}-\d\d-\d\d$/.test(text))
    throw new InvalidArgumentError('Expected YYYY-MM-DD, or none.')
  return text
}
