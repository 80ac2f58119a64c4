// Machines: found, saved, deleted.

import { and, asc, eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { machines, secrets } from '../../db/schema/machines.ts'
import type { Tx } from '../../db/transaction.ts'
import { isSameJson } from '../../lib/canonical.ts'
import { ConflictError, type FieldFault, InputError } from '../../lib/errors.ts'
import type { Mac } from '../../lib/ids/mac.ts'
import { newId, swapUuid } from '../../lib/ids/uuid.ts'
import { changesInstall, everyBootFaults, type Installers } from '../../model/every-boot.ts'
import { identifiedBy, isIdentified } from '../../model/identity/identity.ts'
import type { Machine, MachineKey } from '../../model/machine.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { changeType } from '../changes/types.ts'
import { checkPrecondition, type Precondition } from '../common/precondition.ts'
import { findInstallers } from '../images/installers.ts'
import { holdVersions } from '../images/pinned-versions.ts'
import { lonePins, tooManyParams } from './assignment-change.ts'
import { changedValues, type MachineChange, type MachineValues, rowValuesOf, valuesOf } from './fields.ts'
import { isEnteredWith, refuseTaken, valueKeys } from './identity/same-key.ts'
import { macsOf, replaceMacs, sourcesOf } from './macs.ts'
import { nameColumn, noMachine, refuseAmbiguous } from './names.ts'
import { refuseUnknownNames } from './references.ts'
import { ownersAfterEdit } from './sync/paths.ts'

type Present<Row> = {
  [Key in keyof Row as null extends Row[Key] ? never : Key]: Row[Key]
} & { [Key in keyof Row as null extends Row[Key] ? Key : never]?: NonNullable<Row[Key]> }

export type { MachineChange } from './fields.ts'

/** The key of a new machine without a MAC, which only its entered values identify. */
export const newMachine = { id: 'new' }

const hasMacs = sql`exists (select 1 from machine_macs where machine_id = machines.id)`
/** @throws ConflictError when several machines have that host name or UUID */
export async function findMachine(db: Db, key: MachineKey): Promise<Machine | undefined> {
  if ('uuid' in key) {
    const byId = await findMachine(db, { id: key.uuid })
    if (byId !== undefined) return byId
  }
  const found = await selectMachines(db, keyCondition(key), 3)
  refuseAmbiguous(key, found)
  return found[0]
}

function keyCondition(key: MachineKey): SQL | undefined {
  if ('mac' in key) return sql`${machines.id} = (select machine_id from machine_macs where mac = ${key.mac})`
  if ('hostname' in key) return eq(machines.hostname, key.hostname)
  if ('uuid' in key) return inArray(machines.uuid, [key.uuid, swapUuid(key.uuid)])
  return sql`${machines.id} = coalesce((select into_id from machine_merges where from_id = ${key.id}), ${key.id}::uuid)`
}

/** The existing machines with these ids, in no order. */
export async function findMachines(db: Db, ids: string[]): Promise<Machine[]> {
  if (ids.length === 0) return []
  const condition = sql`${machines.id} in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`
  return selectMachines(db, condition, ids.length)
}

/**
 * Creates or changes a machine. Undefined fields of `change` stay, or with `replace` are cleared, except the MACs. The
 * machine then counts as entered by an operator. A change without effect leaves no trace.
 * @throws NotFoundError for an unknown id; InputError for a name that does not exist; ConflictError when another
 * machine has the MAC; PreconditionError
 */
export async function saveMachine(
  db: Db,
  key: MachineKey,
  change: MachineChange,
  how: Precondition & { replace?: boolean },
  by: Actor,
): Promise<{ machine: Machine; created: boolean }> {
  await refuseUnknownNames(db, change.assignment ?? {}, 'assignment')
  const installers = await findInstallers(db)
  try {
    return await saveOnce(db, key, change, installers, how, by)
  } catch (error) {
    // Another request, or a boot, may have created the machine meanwhile. Then this request changes it.
    if (!(error instanceof ConflictError) || !('mac' in key) || (await findMachine(db, key)) === undefined) throw error
    return saveOnce(db, key, change, installers, how, by)
  }
}

async function saveOnce(
  db: Db,
  key: MachineKey,
  change: MachineChange,
  installers: Installers,
  { replace, ...precondition }: Precondition & { replace?: boolean },
  by: Actor,
): Promise<{ machine: Machine; created: boolean }> {
  return db.transaction(async (tx) => {
    const named = key === newMachine ? undefined : await lockMachine(tx, key)
    if (named === undefined && !('mac' in key) && key !== newMachine) throw noMachine(key)
    // New MACs with the UUID or serial of a machine that was entered without MACs belong to that machine.
    const bare = named === undefined || named.discovered ? await findBare(tx, change) : undefined
    if (bare !== undefined && (key === newMachine || precondition.ifNoneMatch !== undefined))
      refuseTaken(change, [bare])
    const before = bare ?? named
    // A discovered machine can be read and changed, but no operator has entered it yet.
    const entered = before?.discovered ? undefined : before
    checkPrecondition({ ifMatch: precondition.ifMatch }, named)
    checkPrecondition({ ifNoneMatch: precondition.ifNoneMatch }, entered)
    const id = before?.id ?? newId()
    const macs = [...new Set([...(change.macs ?? named?.macs ?? []), ...('mac' in key ? [key.mac] : [])])]
    const after = changedValues(valuesOf(before ?? {}), change, replace && bare === undefined)
    if (isKnownAnew(entered, after, macs)) refuseTaken(after, await findClashes(tx, id, after, macs))
    // Its owner can add a MAC later to a machine that only has an id there.
    if (!isIdentified({ ...after, macs }) && before?.sources === undefined)
      throw new InputError({ field: 'macs', value: '[]', expected: identifiedBy })
    const faults = [
      ...tooMany({ ...after, macs }),
      ...lonePins(change.assignment, after.assignment),
      ...(changesInstall(change.assignment)
        ? everyBootFaults([{ ...after.assignment, field: 'assignment' }], installers)
        : []),
    ]
    if (faults.length > 0) throw new InputError(faults)
    if (changesInstall(change.assignment)) await holdVersions(tx, [{ ...after.assignment, field: 'assignment' }])
    const owners = ownersAfterEdit(entered, { ...after, macs }, by)
    const values = { ...rowValuesOf(after), discovered: false, owners }
    if (before === undefined) await tx.insert(machines).values({ ...values, id })
    else await tx.update(machines).set(values).where(eq(machines.id, id))
    await replaceMacs(tx, id, before?.macs ?? [], macs)
    const saved = await findMachine(tx, { id })
    if (saved === undefined) throw new ConflictError(`machine ${id} was deleted by another request`)
    if (before !== undefined && isSameJson(auditViewOf(before), auditViewOf(saved)))
      return { machine: before, created: false }
    const machine = before === undefined ? saved : await countRevision(tx, saved)
    const type = changeType('machine', entered, machine)
    await recordChanges(tx, [
      { actor: by, type, subject: id, before: entered && auditViewOf(entered), after: auditViewOf(machine) },
    ])
    return { machine, created: before === undefined }
  })
}

/** The machine that was entered without MACs and has a value of this change. @throws ConflictError when several were */
async function findBare(tx: Tx, { uuid, serial, product }: MachineChange): Promise<Machine | undefined> {
  const condition = isEnteredWith({ uuid, serial, product })
  if (condition === undefined) return undefined
  const [bare, another] = await selectMachines(tx, and(condition, sql`not ${hasMacs}`), 2)
  if (another !== undefined) refuseTaken({ uuid, serial, product }, [another])
  return bare && lockMachine(tx, { id: bare.id })
}

/** Whether a change gives a machine a UUID or serial, or takes the last MAC from it. */
function isKnownAnew(before: Machine | undefined, after: MachineValues, macs: Mac[]): boolean {
  const isSame = before !== undefined && isSameJson(valueKeys(before), valueKeys(after))
  return !isSame || (macs.length === 0 && before.macs.length > 0)
}

/** Other machines that were entered with its UUID or serial, where it or they are known by nothing else. */
async function findClashes(tx: Tx, id: string, after: MachineValues, macs: Mac[]): Promise<Machine[]> {
  const condition = isEnteredWith(after)
  if (condition === undefined) return []
  const alone = macs.length === 0 ? undefined : sql`not ${hasMacs}`
  return selectMachines(tx, and(condition, sql`${machines.id} <> ${id}`, alone), 1)
}

/** Faults of a machine that exceeds limits after a change. */
export function tooMany({ labels, assignment, macs }: MachineValues & { macs: Mac[] }): FieldFault[] {
  const limits = [
    { field: 'macs', count: macs.length, max: 64 },
    { field: 'labels', count: Object.keys(labels).length, max: 64 },
  ]
  const faults = limits
    .filter(({ count, max }) => count > max)
    .map(({ field, count, max }) => ({ field, value: `${count} of them`, expected: `at most ${max} on one machine` }))
  return [...faults, ...tooManyParams(assignment)]
}

/** Deletes a machine with its secrets; its boots stay, without it. @throws NotFoundError, PreconditionError */
export async function deleteMachine(db: Db, key: MachineKey, precondition: Precondition, by: Actor): Promise<void> {
  await db.transaction(async (tx) => {
    const machine = await lockMachine(tx, key)
    if (machine === undefined) throw noMachine(key)
    checkPrecondition(precondition, machine)
    await tx.delete(machines).where(eq(machines.id, machine.id))
    await tx.delete(secrets).where(and(eq(secrets.ownerKind, 'machine'), eq(secrets.owner, machine.id)))
    await recordChanges(tx, [{ actor: by, type: 'machine.deleted', subject: machine.id, before: auditViewOf(machine) }])
  })
}

/** A machine as the audit log keeps it: the entered values without the reported facts. */
export function auditViewOf(machine: Machine) {
  const { discovered, macs } = machine
  return { discovered, macs: [...macs].sort(), ...presentOf(valuesOf(machine)) }
}

/** An object without the values that are null or absent. */
export function presentOf<Row extends object>(row: Row): Present<Row> {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== null && value !== undefined),
  ) as Present<Row>
}

/** Marks machines as entered, because an operator has changed something about them. */
export async function markEntered(tx: Tx, ids: string[]): Promise<void> {
  if (ids.length > 0)
    await tx
      .update(machines)
      .set({ discovered: false })
      .where(and(eq(machines.discovered, true), inArray(machines.id, ids)))
}

/** A machine, locked until the transaction ends. */
export async function lockMachine(tx: Tx, key: MachineKey): Promise<Machine | undefined> {
  const machine = await findMachine(tx, key)
  if (machine === undefined) return undefined
  await tx.select({ id: machines.id }).from(machines).where(eq(machines.id, machine.id)).for('update')
  return findMachine(tx, { id: machine.id })
}

/** Increments a machine's revision after a change. */
export async function countRevision(tx: Tx, machine: Machine): Promise<Machine> {
  const [values] = await tx
    .update(machines)
    .set({ revision: machine.revision + 1, updatedAt: sql`now()` })
    .where(eq(machines.id, machine.id))
    .returning({ revision: machines.revision, updatedAt: machines.updatedAt })
  return { ...machine, ...values }
}

/** The machines that fit a condition, in the order given and then that of their creation. */
export async function selectMachines(
  db: Db,
  condition: SQL | undefined,
  limit: number,
  ...order: SQL[]
): Promise<Machine[]> {
  const rows = await db
    .select({ row: machines, macs: macsOf, sources: sourcesOf, name: nameColumn })
    .from(machines)
    .where(condition)
    .orderBy(...order, asc(machines.id))
    .limit(limit)
  return rows.map(({ row: { owners, ...row }, macs, sources, name }) => ({
    ...presentOf(row),
    ...{ macs, name },
    ...(Object.keys(owners).length > 0 && { owners }),
    ...(sources !== null && { sources }),
  }))
}
