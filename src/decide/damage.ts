// Whether the files of a variant are what was stored, before a machine begins to load what would fail half-way. Asked by
// answer.ts; reads only.

import { sizeFault } from '../inventory/images/files.ts'
import type { Inventory } from '../inventory/open.ts'
import type { Decision } from '../model/decision.ts'
import { type FileRef, filesOf, type Variant } from '../model/image.ts'
import { damagedVariant } from './boot-spec.ts'

export type DamageDeps = {
  inventory: Pick<Inventory, 'findFileStatus'>
  /** The size of a stored file; undefined when the store does not answer in time. */
  findStoredSize: (sha256: string) => Promise<{ sizeBytes: number | undefined } | undefined>
}

/** A file that is not what was stored. `isNew`: the inventory does not say so yet. */
export type Damage = FileRef & { damage: string; isNew: boolean }

/** An installer's tree may have thousands of files; the others are checked when they are asked for. */
const maxFiles = 64

/** The damaged files among the first of a variant, in the order of the variant. */
export async function findDamage(deps: DamageDeps, variant: Variant): Promise<Damage[]> {
  const files = filesOf(variant).slice(0, maxFiles)
  const found = await Promise.all(files.map((file) => damageOf(deps, file)))
  return found.filter((damage) => damage !== undefined)
}

async function damageOf({ inventory, findStoredSize }: DamageDeps, file: FileRef): Promise<Damage | undefined> {
  const [recorded, stored] = await Promise.all([inventory.findFileStatus(file.sha256), findStoredSize(file.sha256)])
  // Neither the database nor the store answered: damage is found when the file is asked for.
  if (recorded === undefined || stored === undefined) return undefined
  const damage = recorded.damage ?? sizeFault(recorded.sizeBytes, stored.sizeBytes)
  return damage === undefined ? undefined : { ...file, damage, isNew: recorded.damage === null }
}

/** The refusal in the place of a decision whose variant names a damaged file. */
export function refuseDamaged(decision: Decision, variant: Variant, damage: Damage): Decision {
  const { image, reasons } = decision
  if (image === undefined) return decision
  const { reason, spec } = damagedVariant(image, variant, damage)
  return { ...decision, spec, reasons: [...reasons.filter(({ candidate }) => candidate !== reason.candidate), reason] }
}
