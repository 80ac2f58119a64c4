// Conditions for machines with the same UUID or serial.

import { type SQL, sql } from 'drizzle-orm'
import { machines } from '../../../db/schema/machines.ts'
import { ConflictError, type FieldFault } from '../../../lib/errors.ts'
import { isSameUuid, swapUuid } from '../../../lib/ids/uuid.ts'
import { folded } from '../../../model/identity/contradictions.ts'
import { handleOf, type Machine, nameOf } from '../../../model/machine.ts'

/** The values that identify a machine without MACs. */
type Values = {
  uuid?: string | null | undefined
  serial?: string | null | undefined
  product?: string | null | undefined
}

/** Whether a machine was entered with a serial and product, whatever their capitals and blanks. */
export function isSerial(serial: SQL, product: SQL): SQL {
  return sql`${foldedText(sql`machines.serial`)} = ${foldedText(serial)} and ${foldedText(sql`machines.product`)} = ${foldedText(product)}`
}

/** `folded`, in SQL. */
export function foldedText(text: SQL): SQL {
  return sql`lower(regexp_replace(${text}, '\\s+', ' ', 'g'))`
}

/** A condition for the machines that were entered with any of these values. */
export function isEnteredWith({ uuid, serial, product }: Values): SQL | undefined {
  const conditions = [
    ...(uuid ? [sql`${machines.uuid} in (${uuid}, ${swapUuid(uuid)})`] : []),
    ...(serial && product ? [isSerial(sql`${serial}`, sql`${product}`)] : []),
  ]
  return conditions.length === 0 ? undefined : sql`not ${machines.discovered} and (${sql.join(conditions, sql` or `)})`
}

/** One text for each value, however it is written. */
export function valueKeys({ uuid, serial, product }: Values): string[] {
  return [
    ...(uuid ? [`UUID ${[uuid, swapUuid(uuid)].sort()[0]}`] : []),
    ...(serial && product ? [`serial ${folded(serial)} of ${folded(product)}`] : []),
  ]
}

/** The fault of a value that another machine has, when only that value identifies one of the two machines. */
export function takenFault(values: Values, other: Machine): FieldFault {
  const { uuid, serial } = values
  const isUuid = isSameUuid(uuid || undefined, other.uuid)
  const handle = handleOf(other)
  const field = isUuid ? 'uuid' : 'serial'
  const settled =
    other.macs.length === 0
      ? `if it is this machine: bootwright machine set ${handle} --add-mac MAC; else`
      : 'to enter another:'
  return {
    field,
    value: (isUuid ? uuid : serial) ?? '',
    expected: `a value that no other machine has, because one machine has no MACs: machine ${nameOf(other)} has this value (${settled} bootwright machine set ${handle} --clear-${field})`,
  }
}

/** @throws ConflictError that names the machine which has a value by which one of the two alone is known */
export function refuseTaken(values: Values, others: Machine[]): void {
  const [other] = others
  if (other === undefined) return
  const { field, value, expected } = takenFault(values, other)
  throw new ConflictError(`${field} ${value}: expected ${expected}`)
}
