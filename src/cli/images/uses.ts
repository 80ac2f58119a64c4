// The next step after a new version of an image.
import { type Command, Option } from 'commander'
import type { Image, ImageUses, NextVersion } from '../../api/schemas/images/image.ts'
import type { Concerns } from '../../api/schemas/machines/concerns.ts'
import { formatCount } from '../../lib/text/format.ts'
import { printConcerns } from '../machines/concerns.ts'
import type { Client } from '../shell/client.ts'
import type { CliDeps } from '../shell/deps.ts'
import { pathOf } from '../shell/path.ts'
import { nextCommand } from './variant.ts'

/** The options that decide whether machines boot a new version at once. */
export type DraftOptions = { draft?: true; promote?: true; dryRun?: true }

/** Adds `--draft`, `--promote` and `--dry-run`. */
export function addDraftOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--draft', 'add the version as a draft (default if something names the image)').conflicts('promote'),
    )
    .option('--promote', 'promote the version: machines boot it at once')
    .option(
      '--dry-run',
      'change and upload nothing; show whether the version would be a draft, and how many machines boot the image',
    )
}

/** The field of the API for these options. */
export function draftOf({ draft, promote }: DraftOptions): { draft?: boolean } {
  return draft || promote ? { draft: draft === true } : {}
}

/** Finds what a new version of an image would be. */
export async function findNextVersion(client: Client, name: string, options: DraftOptions): Promise<NextVersion> {
  const image = await client.find<Image>(pathOf('images', name))
  if (image === undefined) return { draft: false, machines: 0, more: false }
  const { draft, machines, more } = await client.ask<ImageUses>('GET', pathOf('images', name, 'uses'))
  return { draft: draftOf(options).draft ?? draft, version: image.version, machines, more }
}

/** The end of a dry run: what a new version would be. Without a name, it is detected during the import. */
export function formatNextVersion(name: string | undefined, next: NextVersion | undefined): string {
  if (name === undefined || next === undefined)
    return 'dry run, nothing changed; to see how many machines it would concern: --name NAME (the import detects the name)'
  const { draft, version, machines, more } = next
  const count = `${more ? 'at least ' : ''}${formatCount(machines, 'machine')}`
  const concerned = `dry run, nothing changed; it would concern ${draft ? '0 machines' : count}:`
  if (version === undefined) return `${concerned} ${name} would be a new image`
  return draft
    ? `${concerned} the new version of ${name} would be a draft, and ${count} boot version ${version} until it is promoted`
    : `${concerned} they would boot the new version of ${name}, and not version ${version}, if its files differ`
}

/**
 * Prints the next step after a new version: the number of machines that boot it from now on, or how to promote a draft.
 * @param before the version that machines booted before; undefined for a new image
 */
export async function printNextStep(
  client: Client,
  deps: CliDeps,
  image: Image,
  version: number,
  before: number | undefined,
  concerns?: Concerns,
): Promise<void> {
  const { name } = image
  if (version !== image.version) {
    const { count } = await countUses(client, name)
    deps.err(
      `version ${version} is a draft, and machines boot version ${image.version} (${count}); to promote the draft: bootwright image promote ${name} ${version}\n`,
    )
    deps.err(`to delete the draft: bootwright image delete ${name} ${version}\n`)
    return
  }
  if (before !== undefined && before !== version) {
    const { count, isOne } = await countUses(client, name)
    deps.err(`${count} boot${isOne ? 's' : ''} version ${version} from now on, and not version ${before}; `)
    deps.err(`to go back: bootwright image rollback ${name}\n`)
    printConcerns(deps, concerns)
  }
  deps.err(nextCommand(image))
}

/** The machines that boot an image now, as text. */
async function countUses(client: Client, name: string): Promise<{ count: string; isOne: boolean }> {
  const { machines, more } = await client.ask<ImageUses>('GET', pathOf('images', name, 'uses'))
  return { count: `${more ? 'at least ' : ''}${formatCount(machines, 'machine')}`, isOne: machines === 1 && !more }
}
