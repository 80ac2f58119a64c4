// Gives fields of a machine to an owner that synchronizes, or ends what an owner has of a machine.

import { eq, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { machines } from '../../../db/schema/machines.ts'
import { machineSources } from '../../../db/schema/sync.ts'
import type { Tx } from '../../../db/transaction.ts'
import { type FieldFault, InputError } from '../../../lib/errors.ts'
import { type FieldOwners, machinePath } from '../../../model/identity/field-owners.ts'
import type { Machine, MachineKey } from '../../../model/machine.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { findMachine, lockMachine } from '../machines.ts'
import { noMachine } from '../names.ts'
import { valuesByPath } from './paths.ts'

/** `fields`: paths that `to` owns from now on. `from`: the owner that gives up the machine; its values become values of people. */
export type Release = { fields: string[]; to?: string | undefined } | { from: string }

/**
 * Changes who owns fields of a machine. The values stay: the next synchronization of the new owner replaces them.
 * @throws NotFoundError; InputError for a field without a value and without an owner, and for an owner that does not name the machine
 */
export async function releaseMachine(db: Db, key: MachineKey, release: Release, by: Actor): Promise<Machine> {
  return db.transaction(async (tx) => {
    const machine = await lockMachine(tx, key)
    if (machine === undefined) throw noMachine(key)
    const before = machine.owners ?? {}
    const after = 'from' in release ? withoutOwner(machine, release.from) : withOwner(machine, release)
    const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (path) => before[path] !== after[path],
    )
    if ('from' in release) await forgetSource(tx, machine.id, release.from)
    else if (paths.length === 0) return machine
    await tx
      .update(machines)
      .set({ owners: after, revision: machine.revision + 1, updatedAt: sql`now()` })
      .where(eq(machines.id, machine.id))
    const view = (owners: FieldOwners) => ({ owners: Object.fromEntries(paths.map((path) => [path, owners[path]])) })
    const change = { actor: by, type: 'machine.changed' as const, subject: machine.id }
    await recordChanges(tx, [{ ...change, before: view(before), after: view(after) }])
    return (await findMachine(tx, { id: machine.id })) as Machine
  })
}

function withOwner(machine: Machine, { fields, to }: { fields: string[]; to?: string | undefined }): FieldOwners {
  const owner = ownerOf(machine, to)
  const owners: FieldOwners = { ...machine.owners }
  const values = valuesByPath(machine)
  const paths = new Set([...values.keys(), ...Object.keys(owners), machinePath])
  const faults = fields.flatMap((field): FieldFault[] =>
    paths.has(field) ? [] : [{ field: 'fields', value: field, expected: `one of ${[...paths].sort().join(', ')}` }],
  )
  if (faults.length > 0) throw new InputError(faults)
  for (const field of fields) {
    // A person cleared it: without an owner, any owner may set it again.
    if (values.has(field) || field === machinePath) owners[field] = owner
    else delete owners[field]
  }
  return owners
}

function withoutOwner({ sources = [], owners = {} }: Machine, from: string): FieldOwners {
  if (!sources.some(({ owner }) => owner === from)) throw unknownOwner('from', from, sources)
  return Object.fromEntries(Object.entries(owners).filter(([, holder]) => holder !== from))
}

async function forgetSource(tx: Tx, id: string, owner: string): Promise<void> {
  await tx
    .delete(machineSources)
    .where(sql`${machineSources.machineId} = ${id}::uuid and ${machineSources.owner} = ${owner}`)
}

/** The owner that gets the fields: the one that is named, else the only one of the machine. */
function ownerOf({ sources = [] }: Machine, to: string | undefined): string {
  const [only, another] = sources
  const owner = to ?? (another === undefined ? only?.owner : undefined)
  if (owner === undefined || !sources.some((source) => source.owner === owner))
    throw unknownOwner('to', to ?? 'nothing', sources)
  return owner
}

function unknownOwner(field: string, value: string, sources: { owner: string }[]): InputError {
  const names = sources.map(({ owner }) => owner).join(', ')
  const expected =
    names === ''
      ? 'an owner that names the machine. No synchronization names it'
      : `an owner that names the machine: ${names}`
  return new InputError({ field, value, expected })
}
