// Which images are installers.

import { eq } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { images, imageVersions } from '../../db/schema/images.ts'
import { InputError } from '../../lib/errors.ts'
import { type Assigned, everyBootFaults, type Installers } from '../../model/every-boot.ts'
import { formatImageRef } from '../../model/image.ts'

/** The images whose current version is an installer, by name, and all versions that are: `debian-12@3`. */
export async function findInstallers(db: Db): Promise<Installers> {
  const found = await db
    .select({ image: images.name, current: images.currentVersion, version: imageVersions.version })
    .from(images)
    .innerJoin(imageVersions, eq(imageVersions.image, images.name))
    .where(eq(imageVersions.installer, true))
  return new Set(
    found.flatMap(({ image, current, version }) => [
      ...(version === current ? [image] : []),
      formatImageRef({ image, version }),
    ]),
  )
}

/** @throws InputError for assignments that install at every boot without `everyBoot` */
export async function refuseUnsaidInstalls(db: Db, assigned: (Assigned & { field: string })[]): Promise<void> {
  const installers = await findInstallers(db)
  const faults = everyBootFaults(assigned, installers)
  if (faults.length > 0) throw new InputError(faults)
}
