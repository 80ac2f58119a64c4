import { and, eq } from 'drizzle-orm'
import type { Db } from '../db/open.ts'
import { images, imageVersions } from '../db/schema.ts'
import type { Catalog } from '../inventory/boots/catalog.ts'
import type { AssignmentChange } from '../inventory/machines/assignment-change.ts'
import { type FieldFault, InputError } from '../lib/errors.ts'
import type { Assignment } from '../model/assignment.ts'
import { type BootSpec, refusal } from './boot-spec.ts'
import type { Decision } from './decision.ts'
import { mayInstall } from './menu-choice.ts'

/** An image that is assigned, with what says whether it writes to the disk. */
type Assigned = Pick<Assignment, 'image' | 'answerFile' | 'everyBoot'>
/** Images that are installers, by name. */
export type Installers = ReadonlySet<string>

/** Whether an assignment installs its machines again at each boot, and nobody said that it should. */
function installsUnsaid({ image, answerFile, everyBoot }: Assigned, isInstaller: (image: string) => boolean): boolean {
  return image !== undefined && !everyBoot && (answerFile !== undefined || isInstaller(image))
}

/** What is wrong with assignments that install at every boot and do not say so; `field` is where each stands. */
export function everyBootFaults(
  assigned: (Assigned & { field: string })[],
  isInstaller: (image: string) => boolean,
): FieldFault[] {
  return assigned
    .filter((one) => installsUnsaid(one, isInstaller))
    .map(({ image = '', answerFile, field }) => ({
      field: [field, 'everyBoot'].filter(Boolean).join('.'),
      value: 'nothing',
      expected: `true (--every-boot) if ${whatInstalls(image, answerFile)} shall install at every boot; to install once: ${armCommand('MAC', image, answerFile)}`,
    }))
}

/** Whether a change says what is booted, or with which answers: what it leaves alone is no reason to refuse it. */
export function changesInstall(change: AssignmentChange | null | undefined): boolean {
  const { image, answerFile, everyBoot } = change ?? {}
  return image !== undefined || answerFile !== undefined || everyBoot !== undefined
}

/** @throws InputError for assignments that install at every boot and do not say so */
export async function refuseUnsaidInstalls(db: Db, assigned: (Assigned & { field: string })[]): Promise<void> {
  const installers = await findInstallers(db)
  const faults = everyBootFaults(assigned, (image) => installers.has(image))
  if (faults.length > 0) throw new InputError(faults)
}

/** The names of the images whose current version is an installer. */
export async function findInstallers(db: Db): Promise<Set<string>> {
  const current = and(eq(imageVersions.image, images.name), eq(imageVersions.version, images.currentVersion))
  const installer = eq(imageVersions.installer, true)
  const found = await db.select({ name: images.name }).from(images).innerJoin(imageVersions, current).where(installer)
  return new Set(found.map(({ name }) => name))
}

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

function whatInstalls(image: string, answerFile: string | undefined): string {
  return answerFile === undefined ? `image ${image}, an installer,` : `image ${image} with answer file ${answerFile}`
}

function armCommand(handle: string, image: string, answerFile: string | undefined): string {
  return `bootwright deployment arm ${handle} --image ${image}${answerFile === undefined ? '' : ` --answer-file ${answerFile}`}`
}
