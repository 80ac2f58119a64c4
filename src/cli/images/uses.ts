// The next step after a new version of an image.
import type { Image, ImageUses } from '../../api/schemas/images/image.ts'
import { formatCount } from '../../lib/text/format.ts'
import type { Client } from '../shell/client.ts'
import type { CliDeps } from '../shell/deps.ts'
import { pathOf } from '../shell/path.ts'
import { nextCommand } from './variant.ts'

/** For `--draft` in the help. */
export const draftHelp = 'add the version as a draft: machines continue to boot the current one'

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
): Promise<void> {
  const { name } = image
  if (version !== image.version) {
    deps.err(
      `version ${version} is a draft, and machines boot version ${image.version}; to promote the draft: bootwright image promote ${name} ${version}\n`,
    )
    return
  }
  if (before !== undefined && before !== version) {
    const path = pathOf('images', name, 'uses')
    const { machines, more } = await client.ask<ImageUses>('GET', path)
    const count = `${more ? 'at least ' : ''}${formatCount(machines, 'machine')}`
    deps.err(
      `${count} boot${machines === 1 && !more ? 's' : ''} version ${version} from now on, and not version ${before}; `,
    )
    deps.err(`to go back: bootwright image rollback ${name}\n`)
  }
  deps.err(nextCommand(image))
}
