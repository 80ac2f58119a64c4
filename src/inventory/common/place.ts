// Finds the position of a row for paging.

import { eq } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import type { boots, deployments } from '../../db/schema/boots.ts'
import type { imports } from '../../db/schema/images.ts'
import type { powerRequests } from '../../db/schema/power.ts'
import type { rollouts } from '../../db/schema/rollouts.ts'
import { InputError } from '../../lib/errors.ts'

/**
 * The position of a row in the order of creation, for the page after it.
 * @throws InputError if the row no longer exists
 */
export async function placeOf(
  db: Db,
  table: typeof boots | typeof deployments | typeof imports | typeof powerRequests | typeof rollouts,
  id: string,
): Promise<number> {
  const rows = await db.select({ seq: table.seq }).from(table).where(eq(table.id, id))
  if (rows[0] === undefined)
    throw new InputError({ field: 'before', value: id, expected: 'the `next` of a page whose last row still exists' })
  return rows[0].seq
}
