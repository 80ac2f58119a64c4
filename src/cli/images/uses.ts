// The next step after a new version of an image.
import { type Command, Option } from 'commander'
import type { Image, ImageUses } from '../../api/schemas/images/image.ts'
import type { Concerns } from '../../api/schemas/machines/concerns.ts'
import { formatCount } from '../../lib/text/format.ts'
import { printConcerns } from '../machines/concerns.ts'
import type { Client } from '../shell/client.ts'
import type { CliDeps } from '../shell/deps.ts'
import { pathOf } from '../shell/path.ts'
import { nextCommand } from './variant.ts'

/** The options that decide whether machines boot a new version at once. */
export type DraftOptions = { draft?: true; promote?: true }

/** Adds `--draft` and `--promote`. */
export function addDraftOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--draft', 'add the version as a draft (default if something names the image)').conflicts('promote'),
    )
    .option('--promote', 'promote the version: machines boot it at once')
}

/** The field of the API for these options. */
export function draftOf({ draft, promote }: DraftOptions): { draft?: boolean } {
  return draft || promote ? { draft: draft === true } : {}
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
