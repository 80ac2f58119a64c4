// Finds damaged files of a variant before a machine starts to load them. Reads only; called by answer.ts.

import type { Inventory } from '../inventory/open.ts'
import type { FileFault } from '../model/catalog.ts'
import { recordedFault, sizeFault } from '../model/catalog.ts'
import type { Decision } from '../model/decision.ts'
import { type FileRef, filesOf, type Variant } from '../model/image.ts'
import { damagedVariant } from './boot-spec.ts'

export type DamageDeps = {
  inventory: Pick<Inventory, 'findFileStatus'>
  /** The size of a stored file; undefined if the store does not answer in time. */
  findStoredSize: (sha256: string) => Promise<{ sizeBytes: number | undefined } | undefined>
}

/** A file that differs from what was stored. `isNew`: the damage is not recorded yet. */
export type Damage = FileRef & FileFault & { isNew: boolean }

/** An installer's tree may have thousands of files. Files past this limit are checked when a machine fetches them. */
const maxFiles = 64

/** The damaged files among the first `maxFiles` of a variant, in the order of the variant. */
export async function findDamage(deps: DamageDeps, variant: Variant): Promise<Damage[]> {
  const files = filesOf(variant).slice(0, maxFiles)
  const found = await Promise.all(files.map((file) => damageOf(deps, file)))
  return found.filter((damage) => damage !== undefined)
}

async function damageOf({ inventory, findStoredSize }: DamageDeps, file: FileRef): Promise<Damage | undefined> {
  const [recorded, stored] = await Promise.all([inventory.findFileStatus(file.sha256), findStoredSize(file.sha256)])
  // If the database or the store did not answer, damage is found when the machine fetches the file.
  if (recorded === undefined || stored === undefined) return undefined
  const fault = recordedFault(recorded) ?? sizeFault(recorded.sizeBytes, stored.sizeBytes)
  return fault === undefined ? undefined : { ...file, ...fault, isNew: recorded.damage === null }
}

/** Replaces a decision whose variant has a damaged file by a refusal. */
export function refuseDamaged(decision: Decision, variant: Variant, damage: Damage): Decision {
  const { image, reasons } = decision
  if (image === undefined) return decision
  const { reason, spec } = damagedVariant(image, variant, damage)
  return { ...decision, spec, reasons: [...reasons.filter(({ candidate }) => candidate !== reason.candidate), reason] }
}
