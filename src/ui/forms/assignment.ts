// The fields of an assignment in a form.
import type { Assignment } from '../../api/schemas/machines/assignment.ts'
import type { LocalBoot } from '../../model/assignment.ts'
import { formatImageRef } from '../../model/image.ts'
import type { Form } from '../http/form.ts'
import { formatParams, readLines, readParams } from '../http/lines.ts'

/** The assignment in the fields. @throws RefusedError for a field that the API could not read */
export function readAssignment(form: Form): Assignment {
  const [choice, image, menu] = ['choice', 'image', 'menu'].map((name) => form.get(name))
  const [answerFile, bootProgram, proxy] = ['answerFile', 'bootProgram', 'proxy'].map((name) => form.get(name))
  const [args, withoutArgs] = ['args', 'withoutArgs'].map((name) => readLines(form, name))
  const [params, localBoot] = [readParams(form, 'params'), readLocalBoot(form)]
  return {
    ...(choice === 'image' && {
      ...{ image: image ?? '', version: readVersion(form.get('version')) },
      ...(form.get('everyBoot') === 'yes' && { everyBoot: true }),
    }),
    ...(choice === 'menu' && { menu: menu ?? '' }),
    ...(choice === 'local' && { local: true }),
    ...(args && { args }),
    ...(withoutArgs && { withoutArgs }),
    ...(answerFile !== undefined && { answerFile }),
    ...(params && { params }),
    ...(localBoot && { localBoot }),
    ...(bootProgram !== undefined && { bootProgram }),
    ...(proxy !== undefined && { proxy: proxy as 'binl' }),
  }
}

/** The fields that show an assignment. */
export function fieldsOfAssignment(assignment: Assignment): Record<string, string> {
  const { image, version, menu, local, everyBoot, args, withoutArgs, params, localBoot } = assignment
  const { answerFile, bootProgram, proxy } = assignment
  const efi = localBoot?.efi
  return {
    choice: image !== undefined ? 'image' : menu !== undefined ? 'menu' : local ? 'local' : '',
    ...(image !== undefined && { image }),
    ...(version !== undefined && { version: String(version) }),
    ...(menu !== undefined && { menu }),
    ...(everyBoot && { everyBoot: 'yes' }),
    args: (args ?? []).join('\n'),
    withoutArgs: (withoutArgs ?? []).join('\n'),
    params: formatParams(params),
    ...(localBoot?.pcbios && { localPcbios: localBoot.pcbios }),
    ...(efi !== undefined && (typeof efi === 'string' ? { localEfi: efi } : { localEfi: 'file', efiFile: efi.file })),
    ...(answerFile !== undefined && { answerFile }),
    ...(bootProgram !== undefined && { bootProgram }),
    ...(proxy !== undefined && { proxy }),
  }
}

/** The version in a field; undefined for the current version. The API judges other texts. */
export function readVersion(text: string | undefined): number | undefined {
  const version = text?.trim() ?? ''
  return version === '' ? undefined : /^\d{1,10}$/.test(version) ? Number(version) : (version as unknown as number)
}

/** For a list: `image debian-13`, `menu rescue, 2 arguments`. */
export function describeAssignment(assignment: Assignment): string {
  const { image, version, menu, local, everyBoot, args = [], withoutArgs = [], answerFile, params = {} } = assignment
  const { localBoot, bootProgram, proxy } = assignment
  const boots =
    image !== undefined ? [`image ${formatImageRef({ image, version })}`] : menu !== undefined ? [`menu ${menu}`] : []
  const names = Object.keys(params)
  return [
    ...(local ? ['the local disk'] : boots),
    ...(everyBoot ? ['installs at every boot'] : []),
    ...(args.length > 0 ? [`arguments ${args.join(' ')}`] : []),
    ...(withoutArgs.length > 0 ? [`without ${withoutArgs.join(' ')}`] : []),
    ...(answerFile === undefined ? [] : [`answer file ${answerFile}`]),
    ...(names.length > 0 ? [`params ${names.join(' ')}`] : []),
    ...(localBoot === undefined ? [] : ['a method of local boot']),
    ...(bootProgram === undefined ? [] : [`boot program ${bootProgram}`]),
    ...(proxy === undefined ? [] : [`proxyDHCP ${proxy}`]),
  ].join(', ')
}

function readLocalBoot(form: Form): LocalBoot | undefined {
  const [pcbios, efi] = [form.get('localPcbios'), form.get('localEfi')]
  if (pcbios === undefined && efi === undefined) return undefined
  return {
    ...(pcbios !== undefined && { pcbios: pcbios as 'auto' }),
    ...(efi !== undefined && { efi: efi === 'file' ? { file: form.get('efiFile') ?? '' } : (efi as 'auto') }),
  }
}
