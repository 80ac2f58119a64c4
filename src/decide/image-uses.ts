import type { Db } from '../db/open.ts'
import { loadCatalog } from '../inventory/boots/catalog.ts'
import { creationOrder, cursorOf, searchMachines } from '../inventory/machines/list.ts'
import { wantedOf } from '../model/assignment.ts'
import { targetOf } from '../model/facts.ts'
import { matchingGroups } from './group-match.ts'

const pageSize = 1000
const maxMachines = 20_000

/**
 * How many machines boot an image by their own assignment, by a group or by the policy. `more`: there are machines beyond those
 * that were looked at.
 */
export async function countImageMachines(db: Db, name: string): Promise<{ machines: number; more: boolean }> {
  const catalog = await loadCatalog(db)
  const byPolicy = catalog.policy.kind === 'image' && catalog.policy.image === name
  let machines = 0
  let looked = 0
  let page = await searchMachines(db, {}, creationOrder, pageSize)
  while (page.length > 0 && looked < maxMachines) {
    for (const machine of page) {
      if (machine.denied) continue
      const own = wantedOf(machine.assignment ?? {})
      const groups = own === undefined ? matchingGroups(catalog, machine, machine.facts, targetOf(machine.facts)) : []
      const wanted = own ?? groups.map(({ assignment }) => wantedOf(assignment)).find((one) => one !== undefined)
      if (wanted === undefined ? byPolicy : wanted.kind === 'image' && wanted.name === name) machines += 1
    }
    looked += page.length
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return { machines, more: false }
    page = await searchMachines(db, {}, creationOrder, pageSize, cursorOf(last, creationOrder))
  }
  return { machines, more: page.length > 0 }
}
