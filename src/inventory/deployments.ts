import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import { v7 as newId } from 'uuid'
import type { Db } from '../db/open.ts'
import { deployments } from '../db/schema.ts'
import { ConflictError, NotFoundError } from '../errors.ts'
import type { Assignment } from './assignment.ts'
import { type Actor, recordChanges, system } from './changes.ts'
import { targetOf } from './facts.ts'
import { nameOf } from './identity.ts'
import { listMachines, type Machine } from './machines.ts'
import { refuseUnknownNames } from './references.ts'
import { type Condition, compileSelector, subjectOf } from './selector.ts'

/** From armed to the machine's report, or to the limit on its attempts or its time. */
export const deploymentStates = ['armed', 'started', 'installing', 'installed', 'failed', 'cancelled'] as const
export type DeploymentState = (typeof deploymentStates)[number]

/** The states in which a deployment's image is served. */
export const activeStates = ['armed', 'started', 'installing'] as const satisfies DeploymentState[]

/** Install this image on this machine once. */
export type Deployment = typeof deployments.$inferSelect

export type DeploymentOrder = {
  image: string
  assignment: Pick<Assignment, 'args' | 'answerFile' | 'params'>
  maxAttempts: number
  windowSeconds: number
}

export const defaultMaxAttempts = 3
export const defaultWindowSeconds = 24 * 3600

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
  },
  limit: number,
  before?: string,
): Promise<Deployment[]> {
  const { machineId, image, state } = filter
  const conditions = and(
    machineId === undefined ? undefined : eq(deployments.machineId, machineId),
    image === undefined ? undefined : eq(deployments.image, image),
    state === undefined
      ? undefined
      : state === 'active'
        ? inArray(deployments.state, activeStates)
        : eq(deployments.state, state),
    before === undefined ? undefined : lt(deployments.id, before),
  )
  return db.select().from(deployments).where(conditions).orderBy(desc(deployments.id)).limit(limit)
}

/**
 * Arms a deployment: the machine is installed at its next boot.
 * @param replace cancels the one that is active already
 * @throws InputError for a name that does not exist; ConflictError when one is active and is not to be replaced
 */
export async function armDeployment(
  db: Db,
  machineId: string,
  order: DeploymentOrder,
  replace: boolean,
  by: Actor = system,
): Promise<Deployment> {
  await refuseUnknownNames(db, { image: order.image, answerFile: order.assignment.answerFile }, '')
  return db.transaction(async (transaction) => {
    const tx = transaction as unknown as Db
    if (replace) await cancelActive(tx, machineId, 'another deployment replaced it', by)
    const { armed } = await insertArmed(tx, [machineId], order, by)
    if (armed[0] !== undefined) return armed[0]
    const [active] = await listDeployments(tx, { machineId, state: 'active' }, 1)
    throw new ConflictError(
      `the machine has an active deployment, ${active?.id} of ${active?.image}: cancel it first, or ask to replace it`,
    )
  })
}

/** What arming for a selector did, or would do. */
export type BulkArmed = { armed: { id: string; machineId: string }[]; skipped: { machineId: string; why: string }[] }

/** Arms every machine that a selector fits, as it is known now; in one transaction. Those already being installed are skipped. */
export async function armDeployments(
  db: Db,
  selector: Condition[],
  order: DeploymentOrder,
  dryRun: boolean,
  by: Actor = system,
): Promise<BulkArmed> {
  await refuseUnknownNames(db, { image: order.image, answerFile: order.assignment.answerFile }, '')
  const machines = await findSelected(db, selector)
  const skipped = machines
    .filter((machine) => machine.denied)
    .map((machine) => ({ machineId: machine.id, why: `machine ${nameOf(machine)} is denied` }))
  const wanted = machines.filter((machine) => !machine.denied).map((machine) => machine.id)
  const result = await db
    .transaction(async (transaction) => {
      const armed: BulkArmed['armed'] = []
      const busy: string[] = []
      for (let at = 0; at < wanted.length; at += 1000) {
        const done = await insertArmed(transaction as unknown as Db, wanted.slice(at, at + 1000), order, by)
        armed.push(...done.armed.map(({ id, machineId }) => ({ id, machineId })))
        busy.push(...done.busy)
      }
      if (dryRun) throw new DryRun({ armed, busy })
      return { armed, busy }
    })
    .catch((error: unknown) => {
      if (error instanceof DryRun) return error.result
      throw error
    })
  const active = result.busy.map((machineId) => ({ machineId, why: 'it has an active deployment' }))
  return { armed: result.armed, skipped: [...skipped, ...active] }
}

/** Ends a deployment that is active; the machine goes back to its own assignment. @throws NotFoundError, ConflictError */
export async function cancelDeployment(db: Db, id: string, by: Actor = system): Promise<Deployment> {
  return db.transaction(async (transaction) => {
    const tx = transaction as unknown as Db
    const before = await findDeployment(tx, id)
    if (before === undefined) throw new NotFoundError(`there is no deployment ${id}`)
    const cancelled = await cancelActive(tx, before.machineId, 'an operator cancelled it', by, id)
    if (cancelled === undefined) throw new ConflictError(`deployment ${id} is ${before.state} already`)
    return cancelled
  })
}

/** What was seen of a boot, as its deployment takes it. */
export type Seen = 'ready' | 'answer-file' | 'installing' | 'installed' | 'booted' | 'failed'

/** A boot, as its deployment sees it. */
export type DeploymentBoot = {
  /** It was counted as an attempt already. */
  progressed: boolean
  /** No newer boot of the machine has gone past its script: what this one reports is about what is on the machine. */
  newest: boolean
}

export type Move = { state: DeploymentState; attempts: number; reason?: string }

/**
 * Where a deployment goes with what was seen of one of its boots; undefined: nowhere. Pure, and the whole truth of it:
 * - fetching a script is not among what is seen, so it never moves anything;
 * - the first thing seen of a boot counts as an attempt, however the machine came to boot again;
 * - an ended deployment stays as it ended, and a boot that a newer one overtook has no say: late, repeated and replayed
 *   reports change nothing;
 * - iPXE that fails before it jumps reports `failed` without ever being ready: nothing was started, so nothing has failed.
 */
export function moveDeployment(
  deployment: { state: DeploymentState; attempts: number },
  boot: DeploymentBoot,
  seen: Seen,
  message?: string,
): Move | undefined {
  const { state } = deployment
  if (!boot.newest || !(activeStates as readonly string[]).includes(state)) return undefined
  if (seen === 'failed' && !boot.progressed) return undefined
  const attempts = deployment.attempts + (boot.progressed ? 0 : 1)
  if (seen === 'installed' || seen === 'failed') return { state: seen, attempts, ...(message && { reason: message }) }
  const further = seen === 'installing' || state === 'installing' ? 'installing' : 'started'
  // A new attempt begins before the installer says so.
  const next = !boot.progressed && seen !== 'installing' ? 'started' : further
  return next === state && attempts === deployment.attempts ? undefined : { state: next, attempts }
}

/** Writes a move, and records it. */
export async function writeMove(db: Db, { id }: { id: string }, move: Move, by: Actor): Promise<void> {
  const ended = !(activeStates as readonly string[]).includes(move.state)
  const [row] = await db
    .update(deployments)
    .set({
      state: move.state,
      attempts: move.attempts,
      startedAt: sql`coalesce(${deployments.startedAt}, now())`,
      ...(ended && { endedAt: sql`now()`, reason: move.reason ?? null }),
    })
    .where(eq(deployments.id, id))
    .returning()
  if (row !== undefined)
    await recordChanges(db, [{ actor: by, type: `deployment.${row.state}`, subject: id, after: shown(row) }])
}

/** Fails the deployments whose time is over. */
export async function failLateDeployments(db: Db): Promise<void> {
  const rows = await db
    .select()
    .from(deployments)
    .where(
      and(
        inArray(deployments.state, activeStates),
        sql`${deployments.startedAt} + ${deployments.windowSeconds} * interval '1 second' < now()`,
      ),
    )
    .limit(1000)
  for (const row of rows) {
    await db.transaction(async (transaction) => {
      const tx = transaction as unknown as Db
      const locked = await lockActive(tx, row.id)
      if (locked === undefined) return
      const reason = `its time is over: no report of the end within ${row.windowSeconds} s of the first attempt`
      await writeMove(tx, row, { state: 'failed', attempts: locked.attempts, reason }, system)
    })
  }
}

/** A deployment that is still active, locked until the transaction ends. */
export async function lockActive(tx: Db, id: string): Promise<Deployment | undefined> {
  const rows = await tx.select().from(deployments).where(eq(deployments.id, id)).for('update')
  const [row] = rows
  return row !== undefined && (activeStates as readonly string[]).includes(row.state) ? row : undefined
}

class DryRun extends Error {
  readonly result: { armed: BulkArmed['armed']; busy: string[] }
  constructor(result: DryRun['result']) {
    super('dry run')
    this.result = result
  }
}

async function insertArmed(
  tx: Db,
  machineIds: string[],
  order: DeploymentOrder,
  by: Actor,
): Promise<{ armed: Deployment[]; busy: string[] }> {
  const { image, assignment, maxAttempts, windowSeconds } = order
  const values = machineIds.map((machineId) => ({
    id: newId(),
    machineId,
    image,
    assignment,
    maxAttempts,
    windowSeconds,
    armedBy: by,
  }))
  const armed = await tx.insert(deployments).values(values).onConflictDoNothing().returning()
  await recordChanges(
    tx,
    armed.map((row) => ({ actor: by, type: 'deployment.armed', subject: row.id, after: shown(row) })),
  )
  const done = new Set(armed.map((row) => row.machineId))
  return { armed, busy: machineIds.filter((id) => !done.has(id)) }
}

async function cancelActive(
  tx: Db,
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
        inArray(deployments.state, activeStates),
        id === undefined ? undefined : eq(deployments.id, id),
      ),
    )
    .returning()
  if (row !== undefined)
    await recordChanges(tx, [{ actor: by, type: 'deployment.cancelled', subject: row.id, after: shown(row) }])
  return row
}

async function findSelected(db: Db, selector: Condition[]): Promise<Machine[]> {
  const refuses = compileSelector(selector)
  const found: Machine[] = []
  for (let after: string | undefined; ; ) {
    const page = await listMachines(db, {}, 1000, after)
    for (const machine of page)
      if (refuses(subjectOf(machine, {}, targetOf({}, machine.facts))) === undefined) found.push(machine)
    after = page.at(-1)?.id
    if (page.length < 1000) return found
  }
}

function shown({ machineId, image, state, attempts, maxAttempts, reason }: Deployment) {
  return { machineId, image, state, attempts, maxAttempts, ...(reason !== null && { reason }) }
}
