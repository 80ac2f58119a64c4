// The actions on many machines: the fields of their forms, and what they ask of the API.
import type { MachinesAct } from '../../../api/schemas/machines/action.ts'
import { formatImageRef } from '../../../model/image.ts'
import { readVersion } from '../../forms/assignment.ts'
import { shellQuote } from '../../http/commands.ts'
import type { Form } from '../../http/form.ts'
import { readPairs } from '../../http/lines.ts'

type ActionBody = MachinesAct['action']

/** An action on many machines. */
export type ActionKind = {
  title: string
  /** On the button: `Deny 3 machines`. */
  verb: string
  /** For the list of results: `3 machines denied`. */
  done: string
  /** The fields of its form. Without any, the preview comes at once. */
  fields: string[]
  isDangerous?: true
  /** What to know before it is applied. */
  note?: string
  body: (form: Form) => ActionBody
  /** The action and its options of `machine act`; undefined if it has none. */
  cli: (form: Form) => string | undefined
}

export const actionKinds: Record<string, ActionKind> = {
  assign: {
    ...{ title: 'Assign', verb: 'Assign to', done: 'changed' },
    fields: ['what', 'image', 'version', 'menu', 'everyBoot', 'answerFile'],
    body: (form) => ({ assign: assignmentOf(form) }),
    cli: (form) =>
      form.get('what') === 'image'
        ? `assign --to ${shellQuote(formatImageRef({ image: form.get('image') ?? '', version: readVersion(form.get('version')) }))}`
        : undefined,
  },
  labels: {
    ...{ title: 'Label', verb: 'Label', done: 'changed', fields: ['labels'] },
    body: (form) => ({ labels: readPairs(form, 'labels') }),
    cli: (form) =>
      [
        'label',
        ...Object.entries(readPairs(form, 'labels')).map(
          ([key, value]) => `--set ${shellQuote(`${key}=${value ?? ''}`)}`,
        ),
      ].join(' '),
  },
  deny: {
    ...{ title: 'Deny', verb: 'Deny', done: 'denied', fields: [], isDangerous: true },
    note: 'Every boot of these machines is refused until you allow them again. Running systems are not stopped.',
    body: () => ({ deny: true }),
    cli: () => 'deny',
  },
  allow: {
    ...{ title: 'Allow', verb: 'Allow', done: 'allowed', fields: [] },
    body: () => ({ allow: true }),
    cli: () => 'allow',
  },
  enter: {
    ...{ title: 'Enter', verb: 'Enter', done: 'entered', fields: [] },
    note: 'Entered machines boot what is assigned to them and to their groups.',
    body: () => ({ enter: {} }),
    cli: () => 'enter',
  },
  delete: {
    ...{ title: 'Delete', verb: 'Delete', done: 'deleted', fields: [], isDangerous: true },
    note: 'Their boots stay. A deletion can be undone, except for facts, secrets and deployments. A deleted machine that boots again is discovered again.',
    body: () => ({ delete: true }),
    cli: () => 'delete',
  },
}

function assignmentOf(form: Form): ActionBody['assign'] {
  const what = form.get('what')
  if (what === 'nothing') return null
  const file = form.get('answerFile')
  return {
    ...(what === 'image' && {
      ...{ image: form.get('image') ?? '', version: readVersion(form.get('version')) },
      everyBoot: form.has('everyBoot') ? true : null,
    }),
    ...(what === 'menu' && { menu: form.get('menu') ?? '' }),
    ...(what === 'local' && { local: true }),
    ...(file !== undefined && { answerFile: file === '-' ? null : file }),
  }
}
