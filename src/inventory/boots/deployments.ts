// Deployments: armed, listed and cancelled.

import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { deployments } from '../../db/schema/boots.ts'
import { images } from '../../db/schema/images.ts'
import { machines } from '../../db/schema/machines.ts'
import type { Tx } from '../../db/transaction.ts'
import { ConflictError, NotFoundError, requireFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids/uuid.ts'
import type { Assignment } from '../../model/assignment.ts'
import type { DeploymentState } from '../../model/deployment.ts'
import { type Machine, nameOf } from '../../model/machine.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { placeOf } from '../common/place.ts'
import { holdVersions } from '../images/pinned-versions.ts'
import { isOfMachineWith } from '../machines/list.ts'
import { markEntered } from '../machines/machines.ts'
import { refuseUnknownNames } from '../machines/references.ts'
import { saveOthers } from './batches.ts'

/** Install this image on this machine once. */
export type Deployment = typeof deployments.$inferSelect

export type DeploymentOrder = {
  image: string
  /** Install the version that is current when the machine boots, not the present one. */
  follow?: boolean | undefined
  /** Install this version, not the current one. */
  version?: number | undefined
  assignment: Pick<Assignment, 'args' | 'withoutArgs' | 'answerFile' | 'params'>
  maxAttempts: number
  windowSeconds: number
}

export async function findDeployment(db: Db, id: string): Promise<Deployment | undefined> {
  const rows = await db.select().from(deployments).where(eq(deployments.id, id))
  return rows[0]
}

/** Deployments, newest first, those before the id `before`. */
export async function listDeployments(
  db: Db,
  filter: {
    machineId?: string | undefined
    image?: string | undefined
    state?: DeploymentState | 'active' | undefined
    batch?: string | undefined
    /** Only the newest deployment of each machine in its batch. */
    newest?: boolean | undefined
    /** Labels that the machines have. */
    scope?: Record<string, string> | undefined
  },
  limit: number,
  before?: string,
): Promise<Deployment[]> {
  const { machineId, image, state, batch, newest, scope } = filter
  const place = before === undefined ? undefined : await placeOf(db, deployments, before)
  const conditions = and(
    machineId === undefined ? undefined : eq(deployments.machineId, machineId),
    scope === undefined ? undefined : isOfMachineWith(deployments.machineId, scope),
    image === undefined ? undefined : eq(deployments.image, image),
    state === undefined
      ? undefined
      : state === 'active'
        ? isActiveSql(deployments.state)
        : eq(deployments.state, state),
    batch === undefined ? undefined : eq(deployments.batch, batch),
    newest
      ? sql`not exists (select 1 from deployments as later where later.batch = ${deployments.batch}
          and later.machine_id = ${deployments.machineId} and later.seq > ${deployments.seq})`
      : undefined,
    place === undefined ? undefined : lt(deployments.seq, place),
  )
  return db.select().from(deployments).where(conditions).orderBy(desc(deployments.seq)).limit(limit)
}

/**
 * Arms a deployment: the machine is installed at its next boot.
 * @param replace cancels the one that is active already
 * @throws NotFoundError; InputError for a name that does not exist; ConflictError when one is active and is not to be replaced
 */
export async function armDeployment(
  db: Db,
  machineId: string,
  order: DeploymentOrder,
  replace: boolean,
  by: Actor,
): Promise<Deployment> {
  await refuseUnknownOrder(db, order)
  return db.transaction(async (tx) => {
    // If several requests arm one machine at once, each replaces the previous deployment.
    const locked = await tx.select({ id: machines.id }).from(machines).where(eq(machines.id, machineId)).for('update')
    if (locked.length === 0) throw new NotFoundError(`there is no machine ${machineId}`)
    if (replace) await cancelActive(tx, machineId, 'a new deployment replaced this deployment', by)
    const { armed } = await insertArmed(tx, [machineId], order, by)
    if (armed[0] !== undefined) return armed[0]
    const [active] = await listDeployments(tx, { machineId, state: 'active' }, 1)
    throw new ConflictError(
      `the machine has an active deployment: ${active?.id} of ${active?.image}. Next step: bootwright deployment cancel ${active?.id}, or repeat the request with --replace`,
    )
  })
}

/** The result of arming many machines. All armed deployments have the same batch. */
export type BulkArmed = {
  batch: string
  armed: { id: string; machineId: string; machine: string }[]
  skipped: { machineId: string; machine: string; why: string }[]
}

export type ArmingOptions = {
  dryRun: boolean
  /** The batch of the deployments; undefined for a new one. */
  batch?: string | undefined
  /** The number of machines to arm, or none is armed. */
  expect?: number | undefined
  /** The ids of the machines that a share left out. */
  others?: string[] | undefined
}

/**
 * Arms machines in one transaction. Machines that are denied or have an active deployment are skipped.
 * @param refusals by machine id, why a machine is skipped, too
 * @throws InputError for a name or a version that does not exist; ConflictError if another number than expected would be armed
 */
export async function armMachines(
  db: Db,
  selected: Machine[],
  order: DeploymentOrder,
  { dryRun, batch = newId(), expect, others = [] }: ArmingOptions,
  by: Actor,
  refusals: ReadonlyMap<string, string> = new Map(),
): Promise<BulkArmed> {
  await refuseUnknownOrder(db, order)
  const names = new Map(selected.map((machine) => [machine.id, nameOf(machine)]))
  const nameOfId = (id: string) => names.get(id) ?? id
  const refusalOf = (machine: Machine) =>
    machine.denied ? `machine ${nameOf(machine)} is denied` : refusals.get(machine.id)
  const skipped = selected.flatMap((machine) => {
    const why = refusalOf(machine)
    return why === undefined ? [] : [{ machineId: machine.id, machine: nameOf(machine), why }]
  })
  const free = selected.filter((machine) => refusalOf(machine) === undefined).map((machine) => machine.id)
  const result = await db
    .transaction(async (transaction) => {
      const armed: BulkArmed['armed'] = []
      const busy: string[] = []
      for (let at = 0; at < free.length; at += 1000) {
        const done = await insertArmed(transaction, free.slice(at, at + 1000), order, by, batch)
        armed.push(...done.armed.map(({ id, machineId }) => ({ id, machineId, machine: nameOfId(machineId) })))
        busy.push(...done.busy)
      }
      if (dryRun) throw new DryRun({ armed, busy })
      if (expect !== undefined && expect !== armed.length)
        throw new ConflictError(
          `${armed.length} machines would be armed now, not ${expect}: the inventory changed after the preview. Next step: preview again`,
        )
      if (armed.length > 0) await saveOthers(transaction, batch, others)
      return { armed, busy }
    })
    .catch((error: unknown) => {
      if (error instanceof DryRun) return error.result
      throw error
    })
  const active = result.busy.map((machineId) => ({
    machineId,
    machine: nameOfId(machineId),
    why: 'the machine has an active deployment',
  }))
  return { batch, armed: result.armed, skipped: [...skipped, ...active] }
}

/** Cancels an active deployment; the machine returns to its own assignment. @throws NotFoundError, ConflictError */
export async function cancelDeployment(db: Db, id: string, by: Actor): Promise<Deployment> {
  return db.transaction(async (tx) => {
    const before = await findDeployment(tx, id)
    requireFound(before, `deployment ${id}`)
    const cancelled = await cancelActive(tx, before.machineId, 'an operator cancelled the deployment', by, id)
    if (cancelled === undefined) throw new ConflictError(`deployment ${id} is ${before.state} already`)
    return cancelled
  })
}

class DryRun extends Error {
  readonly result: { armed: BulkArmed['armed']; busy: string[] }
  constructor(result: DryRun['result']) {
    super('dry run')
    this.result = result
  }
}

/** @throws InputError for an image, a version or an answer file that does not exist */
async function refuseUnknownOrder(db: Db, { image, version, assignment }: DeploymentOrder): Promise<void> {
  await refuseUnknownNames(db, { image, answerFile: assignment.answerFile }, '')
  await holdVersions(db, [{ image, version, field: '' }])
}

async function insertArmed(
  tx: Tx,
  machineIds: string[],
  order: DeploymentOrder,
  by: Actor,
  batch?: string,
): Promise<{ armed: Deployment[]; busy: string[] }> {
  const { image, assignment, maxAttempts, windowSeconds, version, follow = false } = order
  const [current] = await tx.select({ version: images.currentVersion }).from(images).where(eq(images.name, image))
  const pinned = follow ? undefined : (version ?? current?.version)
  await holdVersions(tx, [{ image, version: pinned, field: '' }])
  const values = machineIds.map((machineId) => ({
    id: newId(),
    machineId,
    image,
    version: pinned ?? null,
    batch: batch ?? null,
    assignment,
    maxAttempts,
    windowSeconds,
    armedBy: by,
  }))
  const armed = await tx.insert(deployments).values(values).onConflictDoNothing().returning()
  await markEntered(
    tx,
    armed.map(({ machineId }) => machineId),
  )
  await recordChanges(
    tx,
    armed.map((row) => ({ actor: by, type: 'deployment.armed', subject: row.id, after: shownDeployment(row) })),
  )
  const done = new Set(armed.map((row) => row.machineId))
  return { armed, busy: machineIds.filter((id) => !done.has(id)) }
}

/** Cancels the active deployment of a machine, if there is one, and if it has the id. */
export async function cancelActive(
  tx: Tx,
  machineId: string,
  reason: string,
  by: Actor,
  id?: string,
): Promise<Deployment | undefined> {
  const [row] = await tx
    .update(deployments)
    .set({ state: 'cancelled', reason, endedAt: sql`now()` })
    .where(
      and(
        eq(deployments.machineId, machineId),
        isActiveSql(deployments.state),
        id === undefined ? undefined : eq(deployments.id, id),
      ),
    )
    .returning()
  if (row !== undefined)
    await recordChanges(tx, [{ actor: by, type: 'deployment.cancelled', subject: row.id, after: shownDeployment(row) }])
  return row
}

/** A deployment as the audit log keeps it. */
export function shownDeployment({
  machineId,
  image,
  version,
  batch,
  state,
  attempts,
  maxAttempts,
  reason,
}: Deployment) {
  const present = Object.entries({ version, batch, reason }).filter(([, value]) => value !== null)
  return { machineId, image, state, attempts, maxAttempts, ...Object.fromEntries(present) }
}
