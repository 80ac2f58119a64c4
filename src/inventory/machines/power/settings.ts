// How machines are powered: set, found and removed. Passwords are sealed.

import { eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { machinePower } from '../../../db/schema/machines.ts'
import type { Tx } from '../../../db/transaction.ts'
import { InputError, NotFoundError } from '../../../lib/errors.ts'
import type { Sealer } from '../../../lib/seal.ts'
import type { PowerSetting } from '../../../model/power/power.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { checkPrecondition, type Precondition } from '../../common/precondition.ts'
import { lockMachine, markEntered } from '../machines.ts'
import { noMachine } from '../names.ts'

/** How a machine is powered, with its sealed password. */
export type MachinePower = typeof machinePower.$inferSelect

export async function findPower(db: Db, machineId: string): Promise<MachinePower | undefined> {
  const rows = await db.select().from(machinePower).where(eq(machinePower.machineId, machineId))
  return rows[0]
}

/** How each of these machines is powered, by machine id. Machines without a setting are missing. */
export async function findPowers(db: Db, machineIds: string[]): Promise<ReadonlyMap<string, PowerSetting>> {
  const ids = sql`(select value::uuid from jsonb_array_elements_text(${JSON.stringify(machineIds)}::jsonb))`
  const rows = await db
    .select({ machineId: machinePower.machineId, setting: machinePower.setting })
    .from(machinePower)
    .where(inArray(machinePower.machineId, ids))
  return new Map(rows.map(({ machineId, setting }) => [machineId, setting]))
}

/**
 * Saves how a machine is powered. Without a password the stored one stays, but only for the same URL and user name: otherwise the
 * server would send it to another host.
 * @throws NotFoundError, PreconditionError; InputError if a password is missing
 */
export async function savePower(
  db: Db,
  sealer: Sealer,
  machineId: string,
  { setting, password }: { setting: PowerSetting; password: string | undefined },
  precondition: Precondition,
  by: Actor,
): Promise<{ power: MachinePower; created: boolean }> {
  return db.transaction(async (tx) => {
    const machine = await lockMachine(tx, { id: machineId })
    if (machine === undefined) throw noMachine({ id: machineId })
    const before = await findPower(tx, machine.id)
    checkPrecondition(precondition, before)
    const sealed = setting.kind === 'redfish' ? sealedPassword(sealer, before, setting, password) : null
    const values = { setting, sealed }
    const [power] = await tx
      .insert(machinePower)
      .values({ machineId: machine.id, ...values })
      .onConflictDoUpdate({
        target: machinePower.machineId,
        set: { ...values, revision: sql`${machinePower.revision} + 1`, updatedAt: sql`now()` },
      })
      .returning()
    if (power === undefined) throw new Error(`the power setting of machine ${machineId} was not saved`)
    await markEntered(tx, [machine.id])
    await recordSetting(tx, machine.id, before, power, by)
    return { power, created: before === undefined }
  })
}

/** @throws NotFoundError, PreconditionError */
export async function deletePower(db: Db, machineId: string, precondition: Precondition, by: Actor): Promise<void> {
  await db.transaction(async (tx) => {
    await lockMachine(tx, { id: machineId })
    const before = await findPower(tx, machineId)
    if (before === undefined) throw new NotFoundError(`machine ${machineId} has no power setting`)
    checkPrecondition(precondition, before)
    await tx.delete(machinePower).where(eq(machinePower.machineId, machineId))
    await recordSetting(tx, machineId, before, undefined, by)
  })
}

/** The password of a BMC in clear. @throws Error if it cannot be opened */
export function openPassword(sealer: Sealer, { setting, sealed }: MachinePower): string {
  return setting.kind === 'redfish' && sealed !== null ? sealer.open(sealed, belongsTo(setting)) : ''
}

type Redfish = Extract<PowerSetting, { kind: 'redfish' }>

function sealedPassword(
  sealer: Sealer,
  before: MachinePower | undefined,
  setting: Redfish,
  password: string | undefined,
): string {
  if (password !== undefined) return sealer.seal(password, belongsTo(setting))
  const old = before?.setting
  if (old?.kind === 'redfish' && before?.sealed && belongsTo(old) === belongsTo(setting)) return before.sealed
  throw new InputError({
    field: 'password',
    value: 'nothing',
    expected: 'the password of the BMC: it is required with a new URL or user name',
  })
}

// A password opens only with the URL and the user for which it was entered, also if the row was changed elsewhere.
function belongsTo({ url, username }: Redfish): string {
  return `power ${username} ${url}`
}

async function recordSetting(
  tx: Tx,
  machineId: string,
  before: MachinePower | undefined,
  after: MachinePower | undefined,
  by: Actor,
): Promise<void> {
  const viewOf = (power: MachinePower | undefined) => power && { machineId, ...power.setting }
  const type = after === undefined ? 'power.removed' : 'power.set'
  await recordChanges(tx, [{ actor: by, type, subject: machineId, before: viewOf(before), after: viewOf(after) }])
}
