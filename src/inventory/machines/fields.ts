// The list of the machine fields that operators enter.

import { getTableColumns } from 'drizzle-orm'
import { machines } from '../../db/schema/machines.ts'
import type { Mac } from '../../lib/ids/mac.ts'
import { type AssignmentChange, changedAssignment, changedNames } from './assignment-change.ts'

type Row = typeof machines.$inferSelect
type Absent<Value> = null extends Value ? NonNullable<Value> | undefined : Value

/** Columns that no operator enters: the machine reports them, or the server keeps them. */
export const keptColumns = [
  'id',
  'discovered',
  'discoveredFrom',
  'facts',
  'revision',
  'createdAt',
  'updatedAt',
  'lastSeenAt',
  'owners',
] as const

/** What operators enter of a machine, besides its MACs. A new column is such a field unless `keptColumns` names it. */
export type MachineField = Exclude<keyof Row, (typeof keptColumns)[number]>
export type MachineValues = { [Field in MachineField]: Absent<Row[Field]> }

/** A change of a machine: absent fields stay, null clears a field. Labels and assignment are merged. */
export type MachineChange = { macs?: Mac[] | undefined } & {
  [Field in MachineField]?: Change<Field> | null | undefined
}
type Change<Field extends MachineField> = Field extends 'labels'
  ? Record<string, string | null>
  : Field extends 'assignment'
    ? AssignmentChange
    : NonNullable<Row[Field]>

type Rules<Value, Given> = {
  /** Its form in text: CSV, the command line. */
  form: 'text' | 'flag' | 'labels' | 'assignment'
  /** Its value where nobody has entered one. */
  empty: Value
  changed: (before: Value, change: Given) => Value
  /** Its value after two machines became one. */
  joined: (into: Value, from: Value) => Value
}

const text: Rules<string | undefined, string> = {
  form: 'text',
  empty: undefined,
  changed: (_, change) => change,
  joined: (into, from) => into ?? from,
}

/**
 * The one list of what operators enter of a machine. The API, the bulk upload, CSV, export, merge and the database's
 * statements go by it, in this order; test/inventory/machine-fields.test.ts sends a value of each through all of them.
 */
export const machineFields: { [Field in MachineField]: Rules<MachineValues[Field], Change<Field>> } = {
  uuid: text,
  serial: text,
  product: text,
  asset: text,
  hostname: text,
  expectedBy: text,
  denied: {
    form: 'flag',
    empty: false,
    changed: (_, change) => change,
    joined: (into, from) => into || from,
  },
  labels: {
    form: 'labels',
    empty: {},
    changed: (before, change) => changedNames(before, change) ?? {},
    joined: (into, from) => ({ ...from, ...into }),
  },
  assignment: {
    form: 'assignment',
    empty: undefined,
    changed: changedAssignment,
    joined: (into, from) => into ?? from,
  },
}
export const machineFieldNames = Object.keys(machineFields) as MachineField[]

// Each field's rules fit its values, which TypeScript cannot follow through a loop over the names.
const rulesOf = (field: MachineField) => machineFields[field] as unknown as typeof text

/** The values after a change. With `replace`, absent fields are cleared. */
export function changedValues(before: MachineValues, change: MachineChange, replace = false): MachineValues {
  return valuesBy((field) => {
    const { empty, changed } = rulesOf(field)
    const given = change[field] as string | null | undefined
    const kept = replace ? empty : (before[field] as string | undefined)
    return given === undefined ? kept : given === null ? empty : changed(kept, given)
  })
}

/** The values of two machines that become one: those of `into` come first. */
export function joinedValues(into: MachineValues, from: MachineValues): MachineValues {
  return valuesBy((field) => rulesOf(field).joined(into[field] as string, from[field] as string))
}

/** What operators entered of a machine, without what is kept about it. */
export function valuesOf(machine: Partial<MachineValues>): MachineValues {
  return valuesBy((field) => (machine[field] ?? rulesOf(field).empty) as string | undefined)
}

/** A machine's values as the row that drizzle writes: null for absent values. */
export function rowValuesOf(values: MachineValues): Pick<Row, MachineField> {
  return Object.fromEntries(machineFieldNames.map((field) => [field, values[field] ?? null])) as Pick<Row, MachineField>
}

const columns = getTableColumns(machines)
/** The fields' columns, as hand-written SQL names them. */
export const machineColumns = machineFieldNames.map((field) => ({
  field,
  name: columns[field].name,
  type: columns[field].getSQLType(),
}))

function valuesBy(value: (field: MachineField) => string | undefined): MachineValues {
  return Object.fromEntries(machineFieldNames.map((field) => [field, value(field)])) as unknown as MachineValues
}
