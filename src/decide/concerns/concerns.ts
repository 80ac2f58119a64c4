// How many machines a change concerns, and what they boot before and after it. Called by the API.
import type { Db } from '../../db/open.ts'
import { countedPages, type MachineToCount } from '../../inventory/boots/counted-machines.ts'
import type { Catalog } from '../../model/catalog.ts'
import { createNextBoots, isSameNextBoot, type NextBoot } from './next-boot.ts'

/** What a change does to the next boots of machines. */
export type Concerns = {
  /** The number of machines that boot something else, or in another way. */
  machines: number
  /** The number of machines that were compared. */
  checked: number
  /** A limit was reached: further machines were not compared. */
  more: boolean
  /** The largest groups of machines first. */
  changes: { before: string; after: string; machines: number }[]
}

/** The limits of a comparison. */
export const maxMachines = 250_000
export const maxMs = 10_000
const maxChanges = 20
/** For a machine that is added or deleted. */
const noMachine = 'nothing: there is no such machine'

/** Collects what machines boot before and after a change. */
export function createTally() {
  const counts = new Map<string, Concerns['changes'][number]>()
  let [machines, checked] = [0, 0]
  return {
    /** Undefined: the machine does not exist. */
    add: (before: NextBoot | undefined, after: NextBoot | undefined) => {
      checked += 1
      if (before === undefined ? after === undefined : after !== undefined && isSameNextBoot(before, after)) return
      machines += 1
      const [was, is] = [before?.boots ?? noMachine, after?.boots ?? noMachine]
      const key = `${was}\n${is}`
      const change = counts.get(key) ?? { before: was, after: was === is ? `${is}, in another way` : is, machines: 0 }
      change.machines += 1
      counts.set(key, change)
    },
    result: (more = false): Concerns => {
      const changes = [...counts.values()].sort((a, b) => b.machines - a.machines)
      return { machines, checked, more, changes: changes.slice(0, maxChanges) }
    },
  }
}

/** Compares what all machines boot by two catalogs. Reads the machines page by page, as they are now. */
export async function compareCatalogs(db: Db, before: Catalog, after: Catalog): Promise<Concerns> {
  const tally = createTally()
  if (before.revision === after.revision) return tally.result()
  const [was, is] = [createNextBoots(before), createNextBoots(after)]
  const endsAt = performance.now() + maxMs
  let read = 0
  for await (const page of countedPages(db)) {
    if (read >= maxMachines || performance.now() > endsAt) return tally.result(true)
    read += page.length
    for (const machine of page) tally.add(was(machine), is(machine))
  }
  return tally.result()
}

/** Compares what machines boot by one catalog, before and after changes of the machines. */
export function compareMachines(
  catalog: Catalog,
  changed: { before: MachineToCount | undefined; after: MachineToCount | undefined }[],
): Concerns {
  const tally = createTally()
  const nextBoot = createNextBoots(catalog)
  for (const { before, after } of changed) tally.add(before && nextBoot(before), after && nextBoot(after))
  return tally.result()
}
