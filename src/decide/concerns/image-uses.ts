// Counts the machines that boot an image. Called by the API.
import type { Db } from '../../db/open.ts'
import { loadCatalog } from '../../inventory/boots/catalog.ts'
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
