// Creates rollouts: their order is checked, and the list of their machines is frozen.

import { and, eq, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { images, imageVersions } from '../../../db/schema/images.ts'
import { rollouts } from '../../../db/schema/rollouts.ts'
import type { Tx } from '../../../db/transaction.ts'
import { ConflictError, InputError } from '../../../lib/errors.ts'
import { newId } from '../../../lib/ids/uuid.ts'
import { maxRolloutMachines, type RolloutOrder, type RolloutPlan } from '../../../model/rollout/rollout.ts'
import { inPlaces, waveOfPlace } from '../../../model/rollout/waves.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { lockName } from '../../common/lock.ts'
import { refuseUnsaidInstalls } from '../../images/installers.ts'
import { refuseUnknownNames } from '../../machines/references.ts'
import { type Rollout, viewOf } from './rollouts.ts'

/** The order of a new rollout. Without a version, it gets the current one. */
export type NewOrder = Omit<RolloutOrder, 'version'> & { version?: number | undefined }

/** A rollout as it would be created: its version, and the number of machines of each wave. */
export type RolloutPreview = { version: number; machines: number; waves: number[] }

const machinesAtOnce = 5000

/**
 * What a rollout on these machines would be. Creates nothing.
 * @throws InputError for a name or version that does not exist, for no machine, and for too many
 */
export async function previewRollout(
  db: Db,
  machineIds: string[],
  order: NewOrder,
  { waves }: RolloutPlan,
): Promise<RolloutPreview> {
  const version = await requireVersion(db, order)
  const machines = machineIds.length
  if (machines === 0) throw new InputError({ field: 'machines', value: 'none', expected: 'at least one machine' })
  if (machines > maxRolloutMachines)
    throw new InputError({
      field: 'machines',
      value: `${machines}`,
      expected: `at most ${maxRolloutMachines} machines`,
    })
  await refuseOthers(db, machineIds)
  const shares = waves.map(({ share }) => share)
  const counts = waves.map(() => 0)
  for (let place = 0; place < machines; place++) {
    const wave = waveOfPlace(place, machines, shares)
    counts[wave] = (counts[wave] ?? 0) + 1
  }
  return { version, machines, waves: counts }
}

/**
 * Creates a rollout and freezes its list of machines. The job of a server begins it.
 * @param expect the number of machines, or nothing is created
 * @throws what previewRollout throws; ConflictError for another number, or for machines of another rollout
 */
export async function createRollout(
  db: Db,
  machineIds: string[],
  order: NewOrder,
  plan: RolloutPlan,
  expect: number | undefined,
  by: Actor,
): Promise<Rollout> {
  const { version } = await previewRollout(db, machineIds, order, plan)
  if (expect !== undefined && expect !== machineIds.length)
    throw new ConflictError(
      `the rollout would have ${machineIds.length} machines now, not ${expect}: the inventory changed after the preview. Next step: preview again`,
    )
  return db.transaction(async (tx) => {
    // Of two rollouts that are created at once, the second sees the machines of the first.
    await lockName(tx, 'rollouts', 'create')
    await refuseOthers(tx, machineIds)
    const id = newId()
    const [rollout] = await tx
      .insert(rollouts)
      .values({ id, ...order, version, ...plan, state: 'running', createdBy: by })
      .returning()
    await addMachines(tx, id, machineIds, plan)
    const view = viewOf(rollout as Rollout)
    const after = { ...view, machines: machineIds.length }
    await recordChanges(tx, [{ actor: by, type: 'rollout.created', subject: id, after }])
    return rollout as Rollout
  })
}

/** Inserts the machines. A machine that was deleted a moment ago is left out. */
async function addMachines(tx: Tx, id: string, machineIds: string[], { waves }: RolloutPlan): Promise<void> {
  const shares = waves.map(({ share }) => share)
  const rows = inPlaces(machineIds).map((machine, place) => {
    return { machine, place, wave: waveOfPlace(place, machineIds.length, shares) }
  })
  for (let at = 0; at < rows.length; at += machinesAtOnce)
    await tx.execute(sql`
      insert into rollout_machines (rollout_id, machine_id, place, wave)
      select ${id}::uuid, r.machine, r.place, r.wave
      from jsonb_to_recordset(${JSON.stringify(rows.slice(at, at + machinesAtOnce))}::jsonb) as r(machine uuid, place int, wave int)
      join machines on machines.id = r.machine`)
}

/** @throws ConflictError if a machine is in another rollout that has not ended */
export async function refuseOthers(db: Db, machineIds: string[], except?: string): Promise<void> {
  const found = await db.execute(sql`
    select r.id::text as id, r.image, r.state, count(*)::int as machines from rollouts r join rollout_machines m on m.rollout_id = r.id
    where r.state in ('running', 'paused', 'stopped') and ${except === undefined ? sql`true` : sql`r.id <> ${except}::uuid`}
      and m.machine_id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(machineIds)}::jsonb))
    group by r.id order by r.seq limit 1`)
  const [other] = rowsOf<{ id: string; image: string; state: string; machines: number }>(found)
  if (other === undefined) return
  throw new ConflictError(
    `${other.machines} of the machines are in the rollout ${other.id} of ${other.image}, which is ${other.state}. Next step: bootwright rollout cancel ${other.id}, or choose other machines`,
  )
}

/** The version of the order, or the current one. @throws InputError */
async function requireVersion(db: Db, { action, image, version, assignment }: NewOrder): Promise<number> {
  const { answerFile, everyBoot } = assignment
  await refuseUnknownNames(db, { image, answerFile }, '')
  const [found] = await db
    .select({ version: imageVersions.version })
    .from(imageVersions)
    .innerJoin(images, eq(images.name, imageVersions.image))
    .where(
      and(
        eq(imageVersions.image, image),
        version === undefined ? eq(imageVersions.version, images.currentVersion) : eq(imageVersions.version, version),
      ),
    )
  if (found === undefined)
    throw new InputError({
      field: 'version',
      value: String(version ?? 'none'),
      expected: version === undefined ? `a current version of image ${image}` : `a version of image ${image}`,
    })
  if (action === 'assign') {
    const assigned = { image, version: found.version, answerFile, everyBoot, field: '' }
    await refuseUnsaidInstalls(db, [assigned])
  }
  return found.version
}
