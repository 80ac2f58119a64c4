import type { FieldFault } from '../lib/errors.ts'
import type { Assignment } from './assignment.ts'

/** An image that is assigned, with what says whether it writes to the disk. */
export type Assigned = Pick<Assignment, 'image' | 'answerFile' | 'everyBoot'>

/** Images that are installers, by name. */
export type Installers = ReadonlySet<string>

/**
 * Whether booting an image may write to the machine's disk. An answer file says that it does; but of an image that is said to be
 * no installer only where it is assigned together with the image, not where a group merges it in.
 */
export function mayInstall(installer: boolean | null | undefined, answerFile: unknown, together: boolean): boolean {
  return installer === true || (answerFile !== undefined && (together || installer !== false))
}

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
export function changesInstall(change: { [Field in keyof Assigned]?: unknown } | null | undefined): boolean {
  const { image, answerFile, everyBoot } = change ?? {}
  return image !== undefined || answerFile !== undefined || everyBoot !== undefined
}

/** What would install, for messages. */
export function whatInstalls(image: string, answerFile: string | undefined): string {
  return answerFile === undefined ? `image ${image}, an installer,` : `image ${image} with answer file ${answerFile}`
}

/** The command that installs once. */
export function armCommand(handle: string, image: string, answerFile: string | undefined): string {
  return `bootwright deployment arm ${handle} --image ${image}${answerFile === undefined ? '' : ` --answer-file ${answerFile}`}`
}
