// Counts the machines that get a boot program by choice. Called by the API.
import type { Db } from '../db/open.ts'
import { loadCatalog } from '../inventory/boots/catalog.ts'
import { targetOf } from '../model/facts.ts'
import { matchingGroups } from './group-match.ts'
import { machinePages } from './machine-pages.ts'

/** The machines and groups that choose a boot program. */
export type ProgramUse = { machines: number; groups: string[] }

const maxMachines = 20_000

/** The uses by name. `more`: the inventory has more machines, whose choices were not counted. */
export async function countProgramUses(db: Db): Promise<{ uses: Map<string, ProgramUse>; more: boolean }> {
  const catalog = await loadCatalog(db)
  const naming = catalog.groups.filter(({ assignment }) => assignment.bootProgram !== undefined)
  const uses = new Map<string, ProgramUse>()
  const useOf = (name: string) => {
    const use = uses.get(name) ?? { machines: 0, groups: [] }
    uses.set(name, use)
    return use
  }
  for (const { name, assignment } of naming) useOf(assignment.bootProgram as string).groups.push(name)
  const pages = machinePages(db, maxMachines)
  for (let page = await pages.next(); ; page = await pages.next()) {
    if (page.done) return { uses, more: page.value }
    for (const machine of page.value) {
      const own = machine.assignment?.bootProgram
      const groups =
        own === undefined && naming.length > 0
          ? matchingGroups({ ...catalog, groups: naming }, machine, machine.facts, targetOf(machine.facts))
          : []
      const chosen = own ?? groups[0]?.assignment.bootProgram
      if (chosen !== undefined) useOf(chosen).machines += 1
    }
  }
}
