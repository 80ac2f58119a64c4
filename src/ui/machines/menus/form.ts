// The form of a menu: its fields, and the menu for the API.
import type { Menu } from '../../../api/schemas/machines/menu.ts'
import { readVersion } from '../../forms/assignment.ts'
import type { Form } from '../../http/form.ts'
import { readNumber } from '../../http/lines.ts'

/** A menu as the API takes it. */
export type MenuBody = Pick<Menu, 'title' | 'entries' | 'timeoutSeconds' | 'defaultEntry'>
type Entry = Menu['entries'][number]

/** A row of the form: one entry, as it was entered. */
export type EntryRow = Record<(typeof entryFields)[number], string>
const entryFields = [
  ...([
    'kind',
    'name',
    'text',
    'hotkey',
    'place',
    'image',
    'version',
    'menu',
    'answerFile',
    'args',
    'withoutArgs',
  ] as const),
  ...(['everyBoot', 'archs', 'platforms'] as const),
]

export const entryKinds = {
  image: 'an image',
  menu: 'a menu',
  local: 'the local disk',
  shell: 'the iPXE shell',
  reboot: 'a restart',
}

const maxRows = 64

/** The fields of the form, and its entries. */
export type MenuFields = { values: Record<string, string>; rows: EntryRow[] }

export function fieldsOfForm(form: Form): MenuFields {
  return { values: form.values, rows: readEntries(form) }
}

/** The entries in the order of their places. */
function readEntries(form: Form): EntryRow[] {
  const count = Math.min(Number(form.get('rows') ?? 0) || 0, maxRows)
  const rows = Array.from({ length: count }, (_, index) => {
    const fields = entryFields.map((field) => [field, form.all(`${field}.${index}`).join(' ')])
    return { ...Object.fromEntries(fields), args: form.get(`args.${index}`) ?? '' } as EntryRow
  })
  return rows.filter(({ kind }) => kind !== '').toSorted((a, b) => Number(a.place) - Number(b.place))
}

/** The menu in the fields. @throws RefusedError for a field that the API could not read */
export function readMenu(form: Form): MenuBody {
  const timeoutSeconds = readNumber(form, 'timeoutSeconds')
  const defaultEntry = form.get('defaultEntry')
  return {
    title: form.get('title') ?? '',
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(defaultEntry !== undefined && { defaultEntry }),
    entries: readEntries(form).map(entryOf),
  }
}

function entryOf(row: EntryRow): Entry {
  const { kind, name, text, hotkey, archs, platforms, image, menu, answerFile, everyBoot } = row
  const words = (list: string) => list.split(/\s+/).filter((word) => word !== '')
  const [args, withoutArgs] = [row.args, row.withoutArgs].map((list) => list.split('\n').filter((arg) => arg.trim()))
  return {
    ...{ kind, name, text },
    ...(hotkey !== '' && { hotkey }),
    ...(archs !== '' && { archs: words(archs) }),
    ...(platforms !== '' && { platforms: words(platforms) }),
    ...(kind === 'menu' && { menu }),
    ...(kind === 'image' && {
      ...{ image, version: readVersion(row.version) },
      ...(args?.length && { args: args.map((arg) => arg.trim()) }),
      ...(withoutArgs?.length && { withoutArgs: withoutArgs.map((arg) => arg.trim()) }),
      ...(answerFile !== '' && { answerFile }),
      ...(everyBoot === 'yes' && { everyBoot: true as const }),
    }),
  } as Entry
}

export function fieldsOfMenu({ title, timeoutSeconds, defaultEntry, entries }: Menu): MenuFields {
  return {
    values: { title, timeoutSeconds: String(timeoutSeconds ?? ''), defaultEntry: defaultEntry ?? '' },
    rows: entries.map(rowOf),
  }
}

function rowOf(entry: Entry, index: number): EntryRow {
  const { kind, name, text, hotkey = '', archs = [], platforms = [] } = entry
  const image = entry.kind === 'image' ? entry : undefined
  return {
    ...{ kind, name, text, hotkey, place: String((index + 1) * 10) },
    ...{ archs: archs.join(' '), platforms: platforms.join(' ') },
    menu: entry.kind === 'menu' ? entry.menu : '',
    version: String(image?.version ?? ''),
    ...{ image: image?.image ?? '', answerFile: image?.answerFile ?? '', everyBoot: image?.everyBoot ? 'yes' : '' },
    ...{ args: (image?.args ?? []).join('\n'), withoutArgs: (image?.withoutArgs ?? []).join('\n') },
  }
}

/** The rows, with empty rows for further entries. */
export function withEmptyEntries(rows: EntryRow[], count: number): EntryRow[] {
  const empty = Object.fromEntries(entryFields.map((field) => [field, ''])) as EntryRow
  const placed = rows.map((row, index) => ({ ...row, place: String((index + 1) * 10) }))
  const more = Array.from({ length: count }, (_, index) => ({
    ...empty,
    place: String((rows.length + index + 1) * 10),
  }))
  return [...placed, ...more].slice(0, maxRows)
}
