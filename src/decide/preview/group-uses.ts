// Counts the machines that groups match. Called by the API.
import type { Db } from '../../db/open.ts'
import { targetOf } from '../../model/facts.ts'
import { type Condition, compileSelector, subjectOf } from '../../model/selector.ts'
import { machinePages } from '../machine-pages.ts'

const maxMachines = 20_000

/** The number of machines that match each selector, by name, among the first `maxMachines` of the inventory. */
export async function countGroupMachines(
  db: Db,
  groups: { name: string; selector: Condition[] }[],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>(groups.map(({ name }) => [name, 0]))
  const compiled = groups.map(({ name, selector }) => ({ name, refuses: compileSelector(selector) }))
  for await (const page of machinePages(db, maxMachines)) {
    for (const machine of page) {
      const subject = subjectOf(machine, machine.facts, targetOf(machine.facts))
      for (const { name, refuses } of compiled)
        if (refuses(subject) === undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  return counts
}
