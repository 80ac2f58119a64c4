import { and, asc, eq, gt, inArray, or, type SQL, sql } from 'drizzle-orm'
import { v7 as newId } from 'uuid'
import type { Db } from '../db/open.ts'
import { boots, machineMacs, machines, secrets } from '../db/schema.ts'
import { ConflictError, InputError, NotFoundError } from '../errors.ts'
import type { Mac } from '../mac.ts'
import type { Assignment } from './assignment.ts'
import { canonical } from './canonical.ts'
import { type Actor, changeType, recordChanges, system } from './changes.ts'
import type { Facts } from './facts.ts'
import type { IdentityKeys } from './identity.ts'
import { checkPrecondition, type Precondition } from './precondition.ts'
import { refuseUnknownNames } from './references.ts'

export type Machine = {
  id: string
  /** Seen on the network, and no operator has said anything of it yet. */
  discovered: boolean
  /** Refused whatever is assigned. */
  denied: boolean
  macs: Mac[]
  uuid?: string
  serial?: string
  product?: string
  asset?: string
  hostname?: string
  labels: Record<string, string>
  assignment?: Assignment
  /** As last reported by the machine itself. */
  facts: Facts
  revision: number
  createdAt: Date
  updatedAt: Date
  lastSeenAt?: Date
}

/** What an operator may say of a machine. Null clears a value. */
export type MachineChange = {
  macs?: Mac[] | undefined
  uuid?: string | null | undefined
  serial?: string | null | undefined
  product?: string | null | undefined
  asset?: string | null | undefined
  hostname?: string | null | undefined
  labels?: Record<string, string> | undefined
  assignment?: Assignment | null | undefined
  denied?: boolean | undefined
}

export type MachineFilter = {
  discovered?: boolean | undefined
  image?: string | undefined
  hostname?: string | undefined
}

/** A machine is named by its id or by one of its MACs. */
export type MachineKey = { id: string } | { mac: Mac }

const macsOf = sql<string[]>`array(select mac from machine_macs where machine_id = machines.id order by mac)`
type Row = typeof machines.$inferSelect & { macs: string[] }

/** Every machine that shares a key with a request; `identify` chooses among them. At most 20, the entered ones first. */
export async function findCandidates(db: Db, keys: IdentityKeys): Promise<Machine[]> {
  const conditions: (SQL | undefined)[] = []
  if (keys.mac !== undefined)
    conditions.push(sql`${machines.id} = (select machine_id from machine_macs where mac = ${keys.mac})`)
  if (keys.uuids.length > 0) conditions.push(inArray(machines.uuid, keys.uuids))
  if (keys.serial !== undefined)
    conditions.push(and(eq(machines.serial, keys.serial), eq(machines.product, keys.product ?? '')))
  if (conditions.length === 0) return []
  return selectMachines(db, or(...conditions), 20, asc(machines.discovered))
}

export async function findMachine(db: Db, key: MachineKey): Promise<Machine | undefined> {
  const condition =
    'id' in key
      ? sql`${machines.id} = coalesce((select into_id from machine_merges where from_id = ${key.id}), ${key.id}::uuid)`
      : sql`${machines.id} = (select machine_id from machine_macs where mac = ${key.mac})`
  return (await selectMachines(db, condition, 1))[0]
}

/** Machines in the order of their creation, those after the id `after`. */
export async function listMachines(db: Db, filter: MachineFilter, limit: number, after?: string): Promise<Machine[]> {
  const conditions = and(
    filter.discovered === undefined ? undefined : eq(machines.discovered, filter.discovered),
    filter.image === undefined ? undefined : sql`${machines.assignment} ->> 'image' = ${filter.image}`,
    filter.hostname === undefined ? undefined : eq(machines.hostname, filter.hostname),
    after === undefined ? undefined : gt(machines.id, after),
  )
  return selectMachines(db, conditions, limit)
}

/** The machines with these ids that there are, in no order. */
export async function findMachines(db: Db, ids: string[]): Promise<Machine[]> {
  if (ids.length === 0) return []
  const wanted = sql`${machines.id} in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`
  return selectMachines(db, wanted, ids.length)
}

/**
 * Makes or changes a machine: what `change` leaves undefined stays. From then on it counts as entered by an operator. What
 * changes nothing leaves no trace.
 * @throws NotFoundError for an unknown id; InputError for a name that does not exist; ConflictError when another machine
 * has the MAC; PreconditionError
 */
export async function saveMachine(
  db: Db,
  key: MachineKey,
  change: MachineChange,
  precondition: Precondition = {},
  by: Actor = system,
): Promise<{ machine: Machine; created: boolean }> {
  await refuseUnknownNames(db, change.assignment ?? {}, 'assignment')
  try {
    return await saveOnce(db, key, change, precondition, by)
  } catch (error) {
    // Another request, or the machine itself by booting, may have made it meanwhile: then this is a change of it.
    if (!(error instanceof ConflictError) || 'id' in key || (await findMachine(db, key)) === undefined) throw error
    return saveOnce(db, key, change, precondition, by)
  }
}

async function saveOnce(
  db: Db,
  key: MachineKey,
  change: MachineChange,
  precondition: Precondition,
  by: Actor,
): Promise<{ machine: Machine; created: boolean }> {
  return db.transaction(async (transaction) => {
    const tx = transaction as unknown as Db
    const before = await lockMachine(tx, key)
    if (before === undefined && 'id' in key) throw new NotFoundError(`there is no machine ${key.id}`)
    // A machine that was only discovered can be read, and changed as it was read; but nobody has entered it yet.
    const entered = before?.discovered ? undefined : before
    checkPrecondition({ ifMatch: precondition.ifMatch }, before)
    checkPrecondition({ ifNoneMatch: precondition.ifNoneMatch }, entered)
    const id = before?.id ?? newId()
    const { macs, ...columns } = change
    const given = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined))
    const wanted = [...new Set([...(macs ?? before?.macs ?? []), ...('mac' in key ? [key.mac] : [])])]
    if (wanted.length === 0) throw new InputError({ field: 'macs', value: '[]', expected: 'at least one MAC address' })
    const values = { ...given, discovered: false }
    if (before === undefined) await tx.insert(machines).values({ ...values, id })
    else await tx.update(machines).set(values).where(eq(machines.id, id))
    await replaceMacs(tx, id, before?.macs ?? [], wanted)
    const after = await findMachine(tx, { id })
    if (after === undefined) throw new ConflictError(`machine ${id} was deleted meanwhile`)
    if (before !== undefined && canonical(said(before)) === canonical(said(after)))
      return { machine: before, created: false }
    const machine = before === undefined ? after : await countRevision(tx, after)
    const type = changeType('machine', entered, machine)
    await recordChanges(tx, [{ actor: by, type, subject: id, before: entered && said(entered), after: said(machine) }])
    return { machine, created: before === undefined }
  })
}

/** Deletes a machine with its secrets; its boots stay, without it. @throws NotFoundError, PreconditionError */
export async function deleteMachine(
  db: Db,
  key: MachineKey,
  precondition: Precondition = {},
  by: Actor = system,
): Promise<void> {
  await db.transaction(async (transaction) => {
    const tx = transaction as unknown as Db
    const machine = await lockMachine(tx, key)
    if (machine === undefined) throw new NotFoundError(`there is no machine ${'id' in key ? key.id : key.mac}`)
    checkPrecondition(precondition, machine)
    await tx.delete(machines).where(eq(machines.id, machine.id))
    await tx.delete(secrets).where(and(eq(secrets.ownerKind, 'machine'), eq(secrets.owner, machine.id)))
    await recordChanges(tx, [{ actor: by, type: 'machine.deleted', subject: machine.id, before: said(machine) }])
  })
}

/** What operators say of a machine, without what it reports: what the audit log keeps. */
export function said(machine: Machine) {
  const { revision: _, createdAt: __, updatedAt: ___, lastSeenAt: ____, facts: _____, id: ______, ...rest } = machine
  return { ...rest, macs: [...rest.macs].sort() }
}

/** A machine, locked until the transaction ends. */
export async function lockMachine(tx: Db, key: MachineKey): Promise<Machine | undefined> {
  const machine = await findMachine(tx, key)
  if (machine === undefined) return undefined
  await tx.select({ id: machines.id }).from(machines).where(eq(machines.id, machine.id)).for('update')
  return findMachine(tx, { id: machine.id })
}

/** Counts a machine's revision up, after a change of it. */
export async function countRevision(tx: Db, machine: Machine): Promise<Machine> {
  const [values] = await tx
    .update(machines)
    .set({ revision: machine.revision + 1, updatedAt: sql`now()` })
    .where(eq(machines.id, machine.id))
    .returning({ revision: machines.revision, updatedAt: machines.updatedAt })
  return { ...machine, ...values }
}

/**
 * Records a machine never seen before, with its facts. Undefined when there are already `most` discovered ones: on an
 * open network anybody can invent a MAC.
 */
export async function recordDiscovered(
  db: Db,
  keys: IdentityKeys,
  facts: Facts,
  most: number,
): Promise<Machine | undefined> {
  const mac = keys.mac
  if (mac === undefined) return undefined
  const id = newId()
  const recorded = await db
    .execute(sql`
    with claimed as (select 1 where not exists (select 1 from machine_macs where mac = ${mac})
        and (select count(*) from (select 1 from machines where discovered limit ${most}) as found) < ${most}),
      noted as (
        insert into changes (actor, type, subject, after)
        select ${`machine ${mac}`}, 'machine.discovered', ${id}, ${JSON.stringify({ macs: [mac], facts })}::jsonb from claimed),
      made as (
        insert into machines (id, discovered, uuid, serial, product, facts, last_seen_at)
        select ${id}::uuid, true, ${keys.uuids[0] ?? null}, ${keys.serial ?? null}, ${keys.product ?? null}, ${JSON.stringify(facts)}::jsonb, now()
        from claimed returning id)
    insert into machine_macs (mac, machine_id) select ${mac}, id from made`)
    .then(
      () => true,
      (error: unknown) => (isUniqueViolation(error) ? true : Promise.reject(error)),
    )
  return recorded ? findMachine(db, { mac }) : undefined
}

/** True for PostgreSQL's unique_violation (23505), wherever the driver has put it. */
export function isUniqueViolation(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  return code === '23505' || (cause !== undefined && isUniqueViolation(cause))
}

/** The machines that fit a condition, in the order given and then that of their creation. */
export async function selectMachines(
  db: Db,
  condition: SQL | undefined,
  limit: number,
  ...order: SQL[]
): Promise<Machine[]> {
  const rows = await db
    .select({ row: machines, macs: macsOf })
    .from(machines)
    .where(condition)
    .orderBy(...order, asc(machines.id))
    .limit(limit)
  return rows.map(({ row, macs }) => fromRow({ ...row, macs }))
}

function fromRow(row: Row): Machine {
  const { uuid, serial, product, asset, hostname, assignment, lastSeenAt, ...rest } = row
  const known = Object.entries({ uuid, serial, product, asset, hostname, assignment, lastSeenAt }).filter(
    ([, value]) => value !== null,
  )
  return { ...rest, ...Object.fromEntries(known) }
}

async function replaceMacs(db: Db, machineId: string, before: Mac[], wanted: Mac[]): Promise<void> {
  const gone = before.filter((mac) => !wanted.includes(mac))
  const fresh = wanted.filter((mac) => !before.includes(mac))
  if (gone.length > 0) await db.delete(machineMacs).where(inArray(machineMacs.mac, gone))
  if (fresh.length === 0) return
  await takeOverDiscovered(db, machineId, fresh)
  const added = await db
    .insert(machineMacs)
    .values(fresh.map((mac) => ({ mac, machineId })))
    .onConflictDoNothing()
    .returning()
  if (added.length < fresh.length) {
    const taken = fresh.filter((mac) => !added.some((row) => row.mac === mac))
    throw new ConflictError(`another machine already has MAC ${taken.join(', ')}`)
  }
}

// A machine seen by one of its network cards, before an operator entered it with all of them, is the same machine.
async function takeOverDiscovered(db: Db, machineId: string, macs: Mac[]): Promise<void> {
  const owners = db.select({ id: machineMacs.machineId }).from(machineMacs).where(inArray(machineMacs.mac, macs))
  const seen = and(eq(machines.discovered, true), inArray(machines.id, owners))
  await db
    .update(boots)
    .set({ machineId })
    .where(inArray(boots.machineId, db.select({ id: machines.id }).from(machines).where(seen)))
  await db.delete(machines).where(seen)
}
