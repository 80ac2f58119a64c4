// The rule about installing at every boot.
import type { FieldFault } from '../lib/errors.ts'
import type { Assignment } from './assignment.ts'
import { formatImageRef } from './image.ts'

/** An assigned image, with the fields that decide whether it writes to the disk. */
export type Assigned = Pick<Assignment, 'image' | 'version' | 'answerFile' | 'everyBoot'>

/** The images whose current version is an installer, by name, and all versions that are: `debian-12@3`. */
export type Installers = ReadonlySet<string>

/**
 * Whether booting an image may write to the machine's disk. An image with an answer file installs. If `installer` is false,
 * that holds only if the same assignment names both, not if a group adds the answer file.
 */
export function mayInstall(installer: boolean | null | undefined, answerFile: unknown, together: boolean): boolean {
  return installer === true || (answerFile !== undefined && (together || installer !== false))
}

/** Whether an assignment would install its machines at every boot without `everyBoot`. */
function installsWithoutEveryBoot(
  { image, version, answerFile, everyBoot }: Assigned,
  installers: Installers,
): boolean {
  if (image === undefined || everyBoot) return false
  return answerFile !== undefined || installers.has(formatImageRef({ image, version }))
}

/** The faults of assignments that would install at every boot without `everyBoot`; `field` is the place of each. */
export function everyBootFaults(assigned: (Assigned & { field: string })[], installers: Installers): FieldFault[] {
  return assigned
    .filter((assignment) => installsWithoutEveryBoot(assignment, installers))
    .map(({ image = '', answerFile, field }) => ({
      field: [field, 'everyBoot'].filter(Boolean).join('.'),
      value: 'nothing',
      expected: `true (--every-boot) if ${whatInstalls(image, answerFile)} should install at every boot; to install once: ${armCommand('MAC', image, answerFile)}`,
    }))
}

/** Whether a change sets the image, its answer file or `everyBoot`. Only such a change is checked. */
export function changesInstall(change: { [Field in keyof Assigned]?: unknown } | null | undefined): boolean {
  const { image, version, answerFile, everyBoot } = change ?? {}
  return image !== undefined || version !== undefined || answerFile !== undefined || everyBoot !== undefined
}

/** The image and its answer file, for messages. */
export function whatInstalls(image: string, answerFile: string | undefined): string {
  return answerFile === undefined ? `image ${image}, an installer,` : `image ${image} with answer file ${answerFile}`
}

/** The command that installs an image once. */
export function armCommand(handle: string, image: string, answerFile: string | undefined): string {
  return `bootwright deployment arm ${handle} --image ${image}${answerFile === undefined ? '' : ` --answer-file ${answerFile}`}`
}
