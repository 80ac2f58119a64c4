// Counts the machines that boot an image, before it gets a new version. Called by the API.
import type { Db } from '../../db/open.ts'
import { loadCatalog } from '../../inventory/boots/catalog.ts'
import { findImage } from '../../inventory/images/images.ts'
import { findUses, isNamed } from '../../inventory/machines/references.ts'
import { wantedOf } from '../../model/assignment.ts'
import { targetOf } from '../../model/facts.ts'
import { matchingGroups } from '../group-match.ts'
import { visitMachines } from './concerns.ts'

/**
 * The number of machines that boot an image by their assignment, by a group or by the policy. `more`: a limit of time or machines
 * was reached, and the others are not counted.
 */
export async function countImageMachines(db: Db, name: string): Promise<{ machines: number; more: boolean }> {
  const catalog = await loadCatalog(db)
  const byPolicy = catalog.policy.kind === 'image' && catalog.policy.image === name
  let machines = 0
  const more = await visitMachines(db, (machine) => {
    if (machine.denied) return
    const own = wantedOf(machine.assignment ?? {})
    const groups = own === undefined ? matchingGroups(catalog, machine, machine.facts, targetOf(machine.facts)) : []
    const boot = own ?? groups.map(({ assignment }) => wantedOf(assignment)).find((choice) => choice !== undefined)
    if (boot === undefined ? byPolicy : boot.kind === 'image' && boot.name === name) machines += 1
  })
  return { machines, more }
}

/** The next version of an image. `machines` boot the image now; `more`: further ones were not counted. */
export type NextVersion = { draft: boolean; version?: number; machines: number; more: boolean }

/** What the next version of an image would be, and how many machines boot the current `version` of it. */
export async function findNextVersion(db: Db, image: string, draft: boolean | undefined): Promise<NextVersion> {
  const { version } = (await findImage(db, image)) ?? {}
  if (version === undefined) return { draft: false, machines: 0, more: false }
  const counted = await countImageMachines(db, image)
  return { draft: draft ?? isNamed(await findUses(db, 'image', image)), version, ...counted }
}
