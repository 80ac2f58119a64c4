// The rule about installing at every boot: an assignment must say everyBoot.

import type { FieldFault } from '../lib/errors.ts'
import type { Assignment } from './assignment.ts'

/** An assigned image, with the fields that say whether it writes to the disk. */
export type Assigned = Pick<Assignment, 'image' | 'answerFile' | 'everyBoot'>

/** Images that are installers, by name. */
export type Installers = ReadonlySet<string>

/**
 * Whether booting an image may write to the machine's disk. An answer file implies that it does. If the image is
 * marked as not an installer, only an answer file assigned together with the image implies it.
 */
export function mayInstall(installer: boolean | null | undefined, answerFile: unknown, together: boolean): boolean {
  return installer === true || (answerFile !== undefined && (together || installer !== false))
}

/** Whether an assignment would reinstall its machines at every boot although it does not say everyBoot. */
function installsUnsaid({ image, answerFile, everyBoot }: Assigned, isInstaller: (image: string) => boolean): boolean {
  return image !== undefined && !everyBoot && (answerFile !== undefined || isInstaller(image))
}

/** Faults for assignments that install at every boot and do not say everyBoot. `field` is the path of each assignment. */
export function everyBootFaults(
  assigned: (Assigned & { field: string })[],
  isInstaller: (image: string) => boolean,
): FieldFault[] {
  return assigned
    .filter((one) => installsUnsaid(one, isInstaller))
    .map(({ image = '', answerFile, field }) => ({
      field: [field, 'everyBoot'].filter(Boolean).join('.'),
      value: 'nothing',
      expected: `true (--every-boot) if ${whatInstalls(image, answerFile)} should install at every boot; to install once: ${armCommand('MAC', image, answerFile)}`,
    }))
}

/** Whether a change touches the image, the answer file or everyBoot. Other changes are not refused. */
export function changesInstall(change: { [Field in keyof Assigned]?: unknown } | null | undefined): boolean {
  const { image, answerFile, everyBoot } = change ?? {}
  return image !== undefined || answerFile !== undefined || everyBoot !== undefined
}

/** The image that would install, for messages. */
export function whatInstalls(image: string, answerFile: string | undefined): string {
  return answerFile === undefined ? `image ${image}, an installer,` : `image ${image} with answer file ${answerFile}`
}

/** The command to install once. */
export function armCommand(handle: string, image: string, answerFile: string | undefined): string {
  return `bootwright deployment arm ${handle} --image ${image}${answerFile === undefined ? '' : ` --answer-file ${answerFile}`}`
}
