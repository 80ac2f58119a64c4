// The person who promoted the current version of an image, for conflicts.

import { and, desc, eq, like, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { changes } from '../../db/schema/changes.ts'
import { ConflictError } from '../../lib/errors.ts'
import type { Image } from '../../model/image.ts'

/** The promotion of the current version, as a sentence: `anna promoted version 3 at 2026-01-31T09:30:00.000Z`. */
export async function describePromotion(db: Db, { name, version }: Pick<Image, 'name' | 'version'>): Promise<string> {
  const [last] = await db
    .select({ actor: changes.actor, at: changes.at })
    .from(changes)
    .where(
      and(
        eq(changes.subject, name),
        like(changes.type, 'image.%'),
        sql`${changes.after} ->> 'version' = ${String(version)}`,
        sql`${changes.before} ->> 'version' is distinct from ${String(version)}`,
      ),
    )
    .orderBy(desc(changes.id))
    .limit(1)
  return last === undefined
    ? `version ${version} is current`
    : `${last.actor} promoted version ${version} at ${last.at.toISOString()}`
}

/** @throws ConflictError if another version than `from` is current, with the person who promoted it */
export async function refuseOtherCurrent(db: Db, image: Image, from: number | undefined): Promise<void> {
  const { name, version } = image
  if (from === undefined || from === version) return
  throw new ConflictError(
    `version ${version} of image ${name} is current, not version ${from}: ${await describePromotion(db, image)}. Next step: bootwright image versions ${name}`,
  )
}
