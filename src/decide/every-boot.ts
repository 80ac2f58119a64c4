// Refuses assignments that would install at every boot without everyBoot. Pure; called by decision.ts.
import { type Catalog, findCatalogImage } from '../model/catalog.ts'
import { type BootSpec, type Decision, refusal } from '../model/decision.ts'
import { armCommand, mayInstall, whatInstalls } from '../model/every-boot.ts'

/** The part of a decision about an image: its spec, and the answer file that the machine would fetch. */
type Specified = Pick<Decision, 'spec' | 'image' | 'answerFile'>

/**
 * Whether booting the image may write to the machine's disk.
 * @param together the same assignment names the image and the answer file
 */
export function isInstalling({ spec, image, answerFile }: Specified, catalog: Catalog, together: boolean): boolean {
  if (image === undefined || spec.kind === 'refusal' || spec.kind === 'local') return false
  return mayInstall(
    findCatalogImage(catalog, { image: image.name, version: image.version })?.installer,
    answerFile,
    together,
  )
}

/** The refusal of an assignment that would install at every boot without `everyBoot`. */
export function refuseUnarmedInstall({ image, answerFile }: Specified, handle: string): BootSpec {
  const name = image?.name ?? ''
  return refusal(
    'BW-EVERY-BOOT',
    `${whatInstalls(name, answerFile?.name)} would install at every boot, but its assignment does not set everyBoot`,
    `to install once: ${armCommand(handle, name, answerFile?.name)}`,
  )
}
