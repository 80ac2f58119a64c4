// An import of a kernel and its initrds, each from a URL.
import { fileNameOf } from '../bytes/fetch/file-name.ts'
import { sourceOf } from '../inventory/images/imports.ts'
import { InputError } from '../lib/errors.ts'
import type { FileRef, ImportPlan } from '../model/image.ts'
import { fetchUrl } from './import-url.ts'
import type { FetchedFile, Intake, Job, Outcome } from './intake.ts'

export type LinuxPlan = ImportPlan & { kind: 'linux' }

/** Fetches the files of a kernel that an operator named. @throws Error with a message for the operator */
export async function importLinux(intake: Intake, job: Job, plan: LinuxPlan): Promise<Outcome> {
  const { kernel, initrds, args, arch, platform } = plan.linux
  const files: FetchedFile[] = []
  const fetchFile = async ({ url, sha256 }: LinuxPlan['linux']['kernel']): Promise<FileRef> => {
    const fetched = await fetchUrl(intake, job, url, fileNameOf(new URL(url).pathname), { sha256 })
    files.push(fetched)
    return { sha256: fetched.sha256, name: fetched.name }
  }
  const fetchedKernel = await fetchFile(kernel)
  const fetchedInitrds: FileRef[] = []
  for (const initrd of initrds) fetchedInitrds.push(await fetchFile(initrd))
  const fits = { arch, ...(platform !== undefined && { platform }) }
  return {
    // The request requires a name for the image.
    name: '',
    title: plan.title,
    source: sourceOf(plan),
    notes: [],
    variants: [{ ...fits, kind: 'linux', kernel: fetchedKernel, initrds: fetchedInitrds, args }],
    files,
  }
}

/** @throws InputError for a URL that is not http or https */
export function checkLinuxUrls({ kernel, initrds }: LinuxPlan['linux']): void {
  const named: [field: string, url: string][] = [
    ['linux.kernel.url', kernel.url],
    ...initrds.map(({ url }, index): [string, string] => [`linux.initrds[${index}].url`, url]),
  ]
  for (const [field, value] of named) {
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname.endsWith('/'))
      throw new InputError({ field, value, expected: 'the http or https URL of a file' })
  }
}
