// Owners of the fields of machines: who set a field, and so who may replace it. Pure.
import { isSameJson } from '../../lib/canonical.ts'

/** An owner that synchronizes (its name), or a person with the time of the edit. */
export type FieldOwner = string | { by: string; at: string }

/**
 * Owners by path: `hostname`, `labels.rack`, `macs.52:54:00:12:34:56`, `assignment.args`. `machine` is the entry of the machine
 * itself. A person set what has no owner here.
 */
export type FieldOwners = Record<string, FieldOwner>

/** An owner that names a machine, with the id that the machine has there. */
export type MachineSource = { owner: string; externalId?: string }

/** The path of the entry of the machine itself: its owner may archive it. */
export const machinePath = 'machine'

/** The owners after a change of these values. Absent fields have no value. @param owner of each value that differs */
export function ownersAfter(
  owners: FieldOwners,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
  owner: FieldOwner,
): FieldOwners {
  const paths = new Set([...before.keys(), ...after.keys()])
  const changed = [...paths].filter((path) => !isSameJson(before.get(path), after.get(path)))
  return changed.length === 0 ? owners : { ...owners, ...Object.fromEntries(changed.map((path) => [path, owner])) }
}
