// The form of a machine: its fields as texts, and the change that it describes.
import type { AssignmentChange } from '../../../api/schemas/machines/assignment.ts'
import type { Machine, MachineChange } from '../../../api/schemas/machines/machine.ts'
import { readVersion } from '../../forms/assignment.ts'
import type { Form } from '../../http/form.ts'
import { formatPairs, formatParams, readLines, readPairs, readParams } from '../../http/lines.ts'

const choicePath = 'assignment.choice'
const texts = ['hostname', 'uuid', 'serial', 'product', 'asset', 'expectedBy'] as const

/** The values of the fields. */
export function fieldsOf(machine: Machine): Record<string, string> {
  const { assignment = {}, labels, macs } = machine
  const {
    image,
    version,
    menu,
    local,
    everyBoot,
    args = [],
    withoutArgs = [],
    answerFile,
    params,
    bootProgram,
  } = assignment
  const what = image !== undefined ? 'image' : menu !== undefined ? 'menu' : local ? 'local' : 'groups'
  return {
    ...Object.fromEntries(texts.map((field) => [field, machine[field] ?? ''])),
    ...{ what, image: image ?? '', menu: menu ?? '', answerFile: answerFile ?? '', bootProgram: bootProgram ?? '' },
    ...(version !== undefined && { version: String(version) }),
    ...(everyBoot && { everyBoot: 'on' }),
    macs: macs.join('\n'),
    labels: formatPairs(labels),
    args: args.join('\n'),
    withoutArgs: withoutArgs.join('\n'),
    params: formatParams(params),
  }
}

/** The change from the machine to the form. Fields that the form does not have stay. */
export function changeOf(form: Form, machine: Machine): MachineChange {
  const labels = withRemovals(machine.labels, readPairs(form, 'labels'))
  return {
    ...Object.fromEntries(texts.filter((field) => form.has(field)).map((field) => [field, form.get(field) ?? null])),
    ...(form.has('macs') && { macs: readLines(form, 'macs') ?? null }),
    ...(form.has('labels') && Object.keys(labels).length > 0 && { labels }),
    ...(form.has('what') && { assignment: assignmentOf(form, machine) }),
  }
}

function assignmentOf(form: Form, { assignment }: Machine): AssignmentChange {
  const what = form.get('what')
  const params = withRemovals(assignment?.params, readParams(form, 'params') ?? {})
  return {
    image: what === 'image' ? (form.get('image') ?? '') : null,
    version: what === 'image' ? (readVersion(form.get('version')) ?? null) : null,
    menu: what === 'menu' ? (form.get('menu') ?? '') : null,
    local: what === 'local' ? true : null,
    everyBoot: what === 'image' && form.has('everyBoot') ? true : null,
    args: readLines(form, 'args') ?? null,
    withoutArgs: readLines(form, 'withoutArgs') ?? null,
    answerFile: form.get('answerFile') ?? null,
    bootProgram: form.get('bootProgram') ?? null,
    ...(Object.keys(params).length > 0 && { params: params as AssignmentChange['params'] }),
  } as AssignmentChange
}

/** The change from one set of names to another: null removes the names that are gone. */
function withRemovals<V>(before: object | undefined, after: Record<string, V>): Record<string, V | null> {
  const gone = Object.keys(before ?? {}).filter((key) => !(key in after))
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...after }
}

/** Names the owner of each field of the form: `set by cmdb`, `rack set by cmdb, row set by ann`. */
export function notesOf({ owners = {} }: Machine): Record<string, string> {
  const notes = new Map<string, string[]>()
  for (const [path, owner] of Object.entries(owners)) {
    const [, field = path, name] = /^(?:assignment\.)?(labels|macs|params)\.(.*)$/s.exec(path) ?? []
    const own = field === choicePath ? 'what' : field.replace(/^assignment\./, '')
    const note = `${name === undefined ? '' : `${name} `}set by ${typeof owner === 'string' ? owner : owner.by}`
    notes.set(own, [...(notes.get(own) ?? []), note])
  }
  return Object.fromEntries([...notes].map(([field, list]) => [field, list.sort().join(', ')]))
}
