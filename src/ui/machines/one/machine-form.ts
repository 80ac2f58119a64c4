// The form of a machine: its fields as texts, and the change that it describes.
import type { AssignmentChange } from '../../../api/schemas/machines/assignment.ts'
import type { Machine, MachineChange } from '../../../api/schemas/machines/machine.ts'
import type { Form } from '../../http/form.ts'
import { linesOf, pairLines, paramLines, readPairs, readParams, withRemovals } from '../lines.ts'

const texts = ['hostname', 'uuid', 'serial', 'product', 'asset'] as const

/** The values of the fields. */
export function fieldsOf(machine: Machine): Record<string, string> {
  const { assignment = {}, labels, macs } = machine
  const { image, menu, local, everyBoot, args = [], withoutArgs = [], answerFile, params, bootProgram } = assignment
  const what = image !== undefined ? 'image' : menu !== undefined ? 'menu' : local ? 'local' : 'groups'
  return {
    ...Object.fromEntries(texts.map((field) => [field, machine[field] ?? ''])),
    ...{ what, image: image ?? '', menu: menu ?? '', answerFile: answerFile ?? '', bootProgram: bootProgram ?? '' },
    ...(everyBoot && { everyBoot: 'on' }),
    macs: macs.join('\n'),
    labels: pairLines(labels),
    args: args.join('\n'),
    withoutArgs: withoutArgs.join('\n'),
    params: paramLines(params),
  }
}

/** The change from the machine to the form. Fields that the form does not have stay. */
export function changeOf(form: Form, machine: Machine): MachineChange {
  const macs = linesOf(form.get('macs'))
  const labels = withRemovals(machine.labels, readPairs(form.get('labels')))
  return {
    ...Object.fromEntries(texts.filter((field) => form.has(field)).map((field) => [field, form.get(field) ?? null])),
    ...(form.has('macs') && { macs: macs.length > 0 ? macs : null }),
    ...(form.has('labels') && Object.keys(labels).length > 0 && { labels }),
    ...(form.has('what') && { assignment: assignmentOf(form, machine) }),
  }
}

function assignmentOf(form: Form, { assignment }: Machine): AssignmentChange {
  const what = form.get('what')
  const listed = (name: string) => {
    const lines = linesOf(form.get(name))
    return lines.length > 0 ? lines : null
  }
  const params = withRemovals(assignment?.params, readParams(form.get('params')))
  return {
    image: what === 'image' ? (form.get('image') ?? '') : null,
    menu: what === 'menu' ? (form.get('menu') ?? '') : null,
    local: what === 'local' ? true : null,
    everyBoot: what === 'image' && form.has('everyBoot') ? true : null,
    args: listed('args'),
    withoutArgs: listed('withoutArgs'),
    answerFile: form.get('answerFile') ?? null,
    bootProgram: form.get('bootProgram') ?? null,
    ...(Object.keys(params).length > 0 && { params: params as AssignmentChange['params'] }),
  } as AssignmentChange
}
