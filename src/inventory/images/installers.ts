// Which images are installers.

import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { images, imageVersions } from '../../db/schema/images.ts'
import { InputError } from '../../lib/errors.ts'
import { type Assigned, everyBootFaults } from '../../model/every-boot.ts'

/** The names of the images whose current version is an installer. */
export async function findInstallers(db: Db): Promise<Set<string>> {
  const current = and(eq(imageVersions.image, images.name), eq(imageVersions.version, images.currentVersion))
  const installer = eq(imageVersions.installer, true)
  const found = await db.select({ name: images.name }).from(images).innerJoin(imageVersions, current).where(installer)
  return new Set(found.map(({ name }) => name))
}

/** @throws InputError for assignments that install at every boot without `everyBoot` */
export async function refuseUnsaidInstalls(db: Db, assigned: (Assigned & { field: string })[]): Promise<void> {
  const installers = await findInstallers(db)
  const faults = everyBootFaults(assigned, (image) => installers.has(image))
  if (faults.length > 0) throw new InputError(faults)
}
