// How many machines a change concerns, and what they boot before and after it. Called by the API.
import { setImmediate } from 'node:timers/promises'
import type { Db } from '../../db/open.ts'
import { loadCatalog } from '../../inventory/boots/catalog.ts'
import { countedPages, listInstalls, type MachineToCount } from '../../inventory/boots/counted-machines.ts'
import type { DeploymentOrder } from '../../inventory/boots/deployments.ts'
import { findPinnedVersion } from '../../inventory/images/pinned-versions.ts'
import type { Catalog } from '../../model/catalog.ts'
import { formatImageRef, type ImageRef } from '../../model/image.ts'
import type { Machine } from '../../model/machine.ts'
import { createNextBoots, createNextBootsOfTwo, isSameNextBoot, type NextBoot } from './next-boot.ts'

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
const maxMachines = 250_000
const maxMs = 10_000
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

/** Compares what all machines boot by two catalogs. */
export async function compareCatalogs(db: Db, before: Catalog, after: Catalog): Promise<Concerns> {
  const tally = createTally()
  if (before.revision === after.revision) return tally.result()
  const { was, is } = createNextBootsOfTwo(before, after)
  return tally.result(await visitMachines(db, (machine) => tally.add(was(machine), is(machine))))
}

/** Visits the machines as they are now, page by page. True if a limit was reached before the last one. */
export async function visitMachines(db: Db, visit: (machine: MachineToCount) => void): Promise<boolean> {
  const endsAt = performance.now() + maxMs
  let read = 0
  for await (const page of countedPages(db)) {
    if (read >= maxMachines || performance.now() > endsAt) return true
    read += page.length
    for (const machine of page) visit(machine)
    // Machines that boot meanwhile are answered between two pages.
    await setImmediate()
  }
  return false
}

type Pinning = { image?: string | null | undefined; version?: number | null | undefined }

/** Counts the machines of a change of many, one after another. */
export type MachineTally = Awaited<ReturnType<typeof openMachineTally>>

/** Opens a count of machines that change, by the catalog and the active deployments as they are now. */
export async function openMachineTally(db: Db) {
  const catalog = await loadCatalog(db)
  const installs = await listInstalls(db)
  const versions = new Map(catalog.versions)
  const tally = createTally()
  const [was, is] = [createNextBoots(catalog), createNextBoots({ ...catalog, versions })]
  const toCount = (machine: Machine): MachineToCount => {
    const installed = installs.get(machine.id)
    return installed === undefined ? machine : { ...machine, installs: installed }
  }
  return {
    /** Finds the versions that assignments pin from now on. */
    pin: async (assignments: (Pinning | undefined)[]): Promise<void> => {
      for (const { image, version } of assignments.filter((given) => given !== undefined)) {
        if (!image || !version || versions.has(formatImageRef({ image, version }))) continue
        const found = await findPinnedVersion(db, image, version)
        if (found !== undefined) versions.set(formatImageRef(found), found)
      }
    },
    /** A machine that is created has no `before`, and one that is deleted no `after`. */
    change: ({ before, after }: { before: Machine | undefined; after: Machine | undefined }) =>
      tally.add(before && was(toCount(before)), after && is(toCount(after))),
    result: () => tally.result(),
  }
}

/** Compares what machines boot before and after changes of the machines. */
export function compareMachines(
  before: Catalog,
  after: Catalog,
  changed: { before: MachineToCount | undefined; after: MachineToCount | undefined }[],
): Concerns {
  const tally = createTally()
  const [was, is] = [createNextBoots(before), createNextBoots(after)]
  for (const machine of changed) tally.add(machine.before && was(machine.before), machine.after && is(machine.after))
  return tally.result()
}

/** The catalog, also with a version that nothing pins yet. */
async function loadCatalogWith(db: Db, ref: Partial<ImageRef>): Promise<Catalog> {
  const { image, version } = ref
  const catalog = await loadCatalog(db)
  const found = image === undefined || version === undefined ? undefined : await findPinnedVersion(db, image, version)
  if (found === undefined) return catalog
  return { ...catalog, versions: new Map([...catalog.versions, [formatImageRef(found), found]]) }
}

/** Compares what machines boot before and after a deployment of an image is armed for them. */
export async function compareArmed(
  db: Db,
  machines: MachineToCount[],
  { image, version, follow, assignment }: Pick<DeploymentOrder, 'image' | 'version' | 'follow' | 'assignment'>,
): Promise<Concerns> {
  const catalog = await loadCatalogWith(db, { image, version })
  const pinned = follow ? null : (version ?? catalog.images.get(image)?.version ?? null)
  const installs = { image, version: pinned, assignment, attempts: 0 }
  return compareMachines(
    catalog,
    catalog,
    machines.map((machine) => ({ before: machine, after: { ...machine, installs } })),
  )
}
