// Versions of images: listed, found for a roll back, deleted.

import { and, asc, desc, eq, gte, type SQL, sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { changes } from '../../db/schema/changes.ts'
import { imageVersions } from '../../db/schema/images.ts'
import type { Tx } from '../../db/transaction.ts'
import { ConflictError, NotFoundError, requireFound } from '../../lib/errors.ts'
import type { Image, Variant } from '../../model/image.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { lockName } from '../common/lock.ts'
import { checkPrecondition, type Precondition } from '../common/precondition.ts'
import { nameColumn } from '../machines/names.ts'
import { findImage, withoutTree } from './images.ts'

export type ImageVersion = {
  version: number
  variants: Variant[]
  /** Its source; null if an operator made it by hand. */
  source: string | null
  /** Booting it may write to the machine's disk; null: undecided. */
  installer: boolean | null
  createdAt: Date
  current: boolean
}

/** All of an image's versions, the newest first. @throws NotFoundError */
export async function listImageVersions(db: Db, name: string): Promise<ImageVersion[]> {
  const image = await requireImage(db, name)
  const rows = await db
    .select()
    .from(imageVersions)
    .where(eq(imageVersions.image, name))
    .orderBy(desc(imageVersions.version))
  return rows.map(({ image: _, ...row }) => ({ ...row, current: row.version === image.version }))
}

/** @throws NotFoundError */
export async function findImageVersion(db: Db, name: string, version: number): Promise<ImageVersion> {
  const image = await requireImage(db, name)
  const [row] = await db
    .select()
    .from(imageVersions)
    .where(and(eq(imageVersions.image, name), eq(imageVersions.version, version)))
  if (row === undefined) throw new NotFoundError(`image ${name} has no version ${version}`)
  const { image: _, ...found } = row
  return { ...found, current: version === image.version }
}

/**
 * Finds the version to roll back to: by the audit log, the version that machines booted before the current one first came; if it
 * was deleted, the previous one. So a second roll back goes further back, never to the version that the first one left. Without
 * entries in the audit log it is the next lower version. Undefined if no such version exists.
 */
export async function findRollback(db: Db, image: Pick<Image, 'name' | 'version' | 'createdAt'>) {
  const kept = await db
    .select({ version: imageVersions.version })
    .from(imageVersions)
    .where(eq(imageVersions.image, image.name))
  const versions = new Set(kept.map((row) => row.version))
  const moves = await listMoves(db, image)
  for (let at = image.version; ; ) {
    const from = moves.find((move) => move.to === at)?.from ?? nextLower(versions, at)
    if (from === undefined || versions.has(from)) return from
    at = from
  }
}

function nextLower(versions: Set<number>, version: number): number | undefined {
  const lower = [...versions].filter((candidate) => candidate < version)
  return lower.length > 0 ? Math.max(...lower) : undefined
}

/** From which version to which higher one an image went, the oldest first. */
async function listMoves(db: Db, { name, createdAt }: Pick<Image, 'name' | 'createdAt'>) {
  const versionIn = (column: typeof changes.before | typeof changes.after) =>
    sql<number>`(${column} ->> 'version')::int`
  return db
    .select({ from: versionIn(changes.before), to: versionIn(changes.after) })
    .from(changes)
    .where(
      and(
        eq(changes.subject, name),
        eq(changes.type, 'image.changed'),
        // An image of the same name may have been deleted before.
        gte(changes.at, createdAt),
        // When a version is made, it is the highest there is.
        sql`(${changes.before} ->> 'version')::int < (${changes.after} ->> 'version')::int`,
      ),
    )
    .orderBy(asc(changes.id))
}

/**
 * Deletes one version; its files stay until garbage collection (file-garbage.ts).
 * @throws NotFoundError, PreconditionError; ConflictError for the current version, for a version that is pinned, and for
 * one that a boot still reads
 */
export async function deleteImageVersion(
  db: Db,
  name: string,
  version: number,
  precondition: Precondition,
  by: Actor,
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockName(tx, 'image', name)
    const image = await requireImage(tx, name)
    checkPrecondition(precondition, image)
    const { variants, source, current } = await findImageVersion(tx, name, version)
    if (current)
      throw new ConflictError(
        `version ${version} of image ${name} is the current version. Next step: bootwright image promote ${name} VERSION`,
      )
    // Requests that pin the version hold this lock until their pin is there.
    await tx.execute(sql`select 1 from image_versions where image = ${name} and version = ${version} for update`)
    await refusePinned(tx, name, version)
    await refuseBooting(tx, name, version)
    await tx.delete(imageVersions).where(and(eq(imageVersions.image, name), eq(imageVersions.version, version)))
    const before = { version, variants: variants.map(withoutTree), source }
    await recordChanges(tx, [{ actor: by, type: 'image.version-deleted', subject: name, before }])
  })
}

/** @throws ConflictError that lists what pins the version */
async function refusePinned(tx: Tx, name: string, version: number): Promise<void> {
  const { machines, others } = await findPins(tx, name, version)
  const who = [...others, ...machines.names.map((machine) => `machine ${machine}`)]
  if (who.length === 0) return
  const more = machines.count - machines.names.length
  throw new ConflictError(
    `version ${version} of image ${name} is pinned by ${who.slice(0, maxPinners).join(', ')}${more > 0 || who.length > maxPinners ? ' and more' : ''}. Next step: change what pins the version; to list the machines: bootwright machine list --image ${name}`,
  )
}

/** Open boots read answer files and trees of their version; so do the boots of a deployment that is under way. */
async function refuseBooting(tx: Tx, name: string, version: number): Promise<void> {
  const found = await tx.execute(sql`
    (select coalesce(m.hostname, b.mac, b.ip) as who from boots b left join machines m on m.id = b.machine_id
    where b.image = ${name} and b.version = ${version} and (b.outcome is null or b.deployment_id in
      (select id from deployments where ${isActiveSql(sql`state`)}))
    order by b.seq desc limit 6)
    union all (select 'deployment ' || d.id::text from deployments as d
    where d.image = ${name} and d.version = ${version} and ${isActiveSql(sql`d.state`)} order by d.seq limit 6)`)
  const who = [...new Set(rowsOf<{ who: string }>(found).map((user) => user.who))]
  if (who.length === 0) return
  const names = `${who.slice(0, 5).join(', ')}${who.length > 5 ? ' and more' : ''}`
  throw new ConflictError(`version ${version} of image ${name} is being booted by ${names}`)
}

const maxPinners = 6

/** What pins a version, besides deployments: the names of groups, menus and the policy, and some of the machines. */
async function findPins(db: Db, image: string, version: number) {
  const isPin = (of: SQL) => sql`${of} ->> 'image' = ${image} and ${of} ->> 'version' = ${String(version)}`
  const pinning = sql`machines where assignment ? 'version' and ${isPin(sql`assignment`)}`
  const found = await db.execute(sql`
    select (select count(*)::int from ${pinning}) as count,
      array(select ${nameColumn} from ${pinning} order by id limit ${maxPinners}) as names,
      array(select 'group ' || name from groups where ${isPin(sql`assignment`)}
        union all select distinct 'menu ' || name from menus, jsonb_array_elements(entries) as e(entry) where ${isPin(sql`entry`)}
        union all select 'the policy' from policies where ${isPin(sql`policy`)}
        union all select 'rollout ' || id::text from rollouts where image = ${image} and version = ${version}
          and state in ('running', 'paused', 'stopped')) as others`)
  const [row] = rowsOf<{ count: number; names: string[]; others: string[] }>(found)
  const { count = 0, names = [], others = [] } = row ?? {}
  return { machines: { count, names }, others }
}

async function requireImage(db: Db, name: string): Promise<Image> {
  const image = await findImage(db, name)
  requireFound(image, `image ${name}`)
  return image
}
