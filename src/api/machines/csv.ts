// Conversion of machines to and from the cells of CSV.
import { assignmentFieldNames, assignmentFields } from '../../inventory/machines/assignment-change.ts'
import { machineFieldNames, machineFields } from '../../inventory/machines/fields.ts'
import type { Json } from '../../model/assignment.ts'
import { formatImageRef, parseImageRef } from '../../model/image.ts'
import type { MachineExport } from './rows.ts'

const ownColumns = machineFieldNames.filter((field) => isCell(machineFields[field].form))
const assignmentColumns = assignmentFieldNames.filter((field) => isCell(assignmentFields[field].form))

/** The columns of machines in CSV, besides those for labels (`label.rack`) and params (`param.root_disk`). */
export const csvColumns = [
  'id',
  'mac',
  'macs',
  ...ownColumns,
  ...assignmentColumns,
  'localBoot.pcbios',
  'localBoot.efi',
]

/** True if machines have a column of this name. */
export function isColumn(name: string): boolean {
  return csvColumns.includes(name) || /^(label|param)\.(?!__proto__$)./.test(name)
}

/** The row in the cells of a line, without empty cells. The schema of rows validates its values. */
export function rowOfCells(columns: string[], cells: string[]): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  const assignment: Record<string, unknown> = {}
  const nested: Record<'labels' | 'params' | 'localBoot', Record<string, unknown>> = {
    labels: {},
    params: {},
    localBoot: {},
  }
  for (const [index, column] of columns.entries()) {
    const raw = unguarded(cells[index] ?? '')
    const cell = raw.trim()
    if (cell === '') continue
    const [group = '', name = ''] = /^(label|param|localBoot)\.(.*)$/.exec(column)?.slice(1) ?? []
    if (group === 'label') nested.labels[name] = cell
    else if (group === 'param') nested.params[name] = readParam(raw)
    else if (group === 'localBoot') nested.localBoot[name] = cell.startsWith('\\') ? { file: cell } : cell
    else if (column === 'macs') row.macs = cell.split(/\s+/)
    else if (column === 'image') Object.assign(assignment, parseImageRef(cell) ?? { image: cell })
    else if (isIn(assignmentColumns, column)) {
      const value = readCell(assignmentFields[column].form, cell)
      // Flags of an assignment are true or absent.
      if (value !== false) assignment[column] = value
    } else row[column] = isIn(ownColumns, column) ? readCell(machineFields[column].form, cell) : cell
  }
  if (Object.keys(nested.labels).length > 0) row.labels = nested.labels
  if (Object.keys(nested.params).length > 0) assignment.params = nested.params
  if (Object.keys(nested.localBoot).length > 0) assignment.localBoot = nested.localBoot
  if (Object.keys(assignment).length > 0) row.assignment = assignment
  return row
}

/** The cells of a machine, one for each of the columns. */
export function cellsOf(columns: string[], machine: MachineExport): string[] {
  const { assignment } = machine
  const { efi, pcbios } = assignment?.localBoot ?? {}
  const cells: Partial<Record<string, string>> = {
    macs: machine.macs.join(' '),
    ...Object.fromEntries(ownColumns.map((column) => [column, formatCell(machine[column])])),
    ...Object.fromEntries(assignmentColumns.map((column) => [column, formatCell(assignment?.[column])])),
    image: assignment?.image === undefined ? '' : formatImageRef({ ...assignment, image: assignment.image }),
    'localBoot.pcbios': pcbios,
    'localBoot.efi': typeof efi === 'object' ? efi.file : efi,
  }
  for (const [key, value] of Object.entries(machine.labels ?? {})) cells[`label.${key}`] = value
  for (const [key, value] of Object.entries(assignment?.params ?? {})) cells[`param.${key}`] = formatParam(value)
  return columns.map((column) => guarded(cells[column] ?? ''))
}

/** The field of a row by the name of its column: `assignment.params.disk` is `param.disk`. */
export function columnOf(field: string): string {
  return field
    .replace(/^labels\./, 'label.')
    .replace(/^assignment\.params\./, 'param.')
    .replace(/^assignment\.localBoot\.efi\.file$/, 'localBoot.efi')
    .replace(/^assignment\.version$/, 'image')
    .replace(/^assignment\./, '')
}

// One kernel argument. Only the braces of Liquid may contain white space.
const word = /(?:\{\{[^{}]*\}\}|\S)+/g

/** True for a form that fits into one cell. */
function isCell(form: string): boolean {
  return form === 'text' || form === 'flag' || form === 'words'
}

function readCell(form: string, cell: string): unknown {
  if (form === 'flag') return readFlag(cell)
  return form === 'words' ? cell.match(word) : cell
}

function formatCell(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ')
  return typeof value === 'string' ? value : value === true ? 'true' : ''
}

function isIn<Name extends string>(names: readonly Name[], name: string): name is Name {
  return (names as readonly string[]).includes(name)
}

function readFlag(cell: string): boolean | string {
  const flags: Record<string, boolean> = { true: true, false: false }
  return flags[cell.toLowerCase()] ?? cell
}

/** Parses a param from a cell: as JSON, or if that fails, as text. */
function readParam(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

function formatParam(value: Json): string {
  if (typeof value !== 'string' || value.trim() === '') return JSON.stringify(value)
  return readParam(value) === value ? value : JSON.stringify(value)
}

// Spreadsheets run cells that begin like this as formulas, and machines choose their own names (CWE-1236). A leading
// apostrophe marks a cell as text; the upload removes the apostrophe.
const formula = /^'*[=+\-@\t\r]/

function guarded(cell: string): string {
  return formula.test(cell) ? `'${cell}` : cell
}

function unguarded(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell
}
