// Assignments that would install at every boot. Pure; called by decision.ts.
import type { Catalog } from '../model/catalog.ts'
import { type BootSpec, type Decision, refusal } from '../model/decision.ts'
import { armCommand, mayInstall, whatInstalls } from '../model/every-boot.ts'

/** What a decision comes to for an image: its spec, and the answer file that its machine would fetch. */
type Specified = Pick<Decision, 'spec' | 'image' | 'answerFile'>

/**
 * Whether booting it may write to the machine's disk.
 * @param together the answer file is assigned by what assigns the image
 */
export function isInstalling({ spec, image, answerFile }: Specified, catalog: Catalog, together: boolean): boolean {
  if (image === undefined || spec.kind === 'refusal' || spec.kind === 'local') return false
  return mayInstall(catalog.images.get(image.name)?.installer, answerFile, together)
}

/** The refusal of an assignment that would install at every boot, though nobody said that it should. */
export function unsaidInstall({ image, answerFile }: Specified, handle: string): BootSpec {
  const name = image?.name ?? ''
  return refusal(
    `${whatInstalls(name, answerFile?.name)} would install at every boot, and its assignment does not say everyBoot`,
    `to install once: ${armCommand(handle, name, answerFile?.name)}`,
  )
}
