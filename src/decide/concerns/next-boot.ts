// What machines boot next, in words that can be counted. A lean form of decision.ts for 100,000 machines: it has no reasons. Pure.
import type { MachineToCount } from '../../inventory/boots/counted-machines.ts'
import { formatTarget } from '../../model/arch.ts'
import { type Assignment, mergeAssignments, type Wanted, wantedOf } from '../../model/assignment.ts'
import { type Catalog, type CatalogGroup, findCatalogImage } from '../../model/catalog.ts'
import { type KnownTarget, targetOf } from '../../model/facts.ts'
import { findVariant } from '../../model/image.ts'
import { matchingGroups } from '../group-match.ts'

/** What a machine boots next. `boots` is for people. Two machines boot the same if `print` and `how` are the same. */
export type NextBoot = {
  /** `image debian-12 version 3`, `menu main`, `the local disk`, `nothing: …`. */
  boots: string
  print: string
  /** The assignments that apply, and what they result in. */
  applied: string
  how: () => string
}

/** Says what machines boot next by a catalog. */
export function createNextBoots(catalog: Catalog): (machine: MachineToCount) => NextBoot {
  const keys = new Map<CatalogGroup, string>()
  const menus = new Map<string, string>()
  const keyOf = (group: CatalogGroup) => {
    const key = keys.get(group) ?? JSON.stringify(group.assignment)
    keys.set(group, key)
    return key
  }
  const menuPrint = (name: string) => {
    const print = menus.get(name) ?? printMenus(catalog, name)
    menus.set(name, print)
    return print
  }
  const simple = (boots: string): NextBoot => ({ boots, print: boots, applied: '', how: () => '' })

  return (machine) => {
    const { installs, assignment: own = {} } = machine
    if (machine.denied) return simple('nothing: the machine is denied')
    const target = targetOf(machine.facts)
    if (installs !== undefined) {
      const { image: name, version } = installs
      return simple(
        `${bootsImage(catalog, { kind: 'image', name, version: version ?? undefined, everyBoot: true }, target)}, to install it`,
      )
    }
    const groups = matchingGroups(catalog, machine, machine.facts, target)
    const assignments = [own, ...groups.map(({ assignment }) => assignment)]
    const chosen = assignments.map(wantedOf).find((choice) => choice !== undefined) ?? wantedByPolicy(catalog)
    const boots = phraseOf(catalog, chosen, target)
    return {
      boots,
      print: chosen?.kind === 'menu' ? menuPrint(chosen.name) : boots,
      applied: [JSON.stringify(own), ...groups.map(keyOf)].join('\n'),
      how: () => howOf(assignments),
    }
  }
}

/** Whether two boots are the same, also in their arguments, params, answer file and boot program. */
export function isSameNextBoot(a: NextBoot, b: NextBoot): boolean {
  return a.print === b.print && (a.applied === b.applied || a.how() === b.how())
}

function howOf(strongestFirst: Assignment[]): string {
  const { bootProgram } = strongestFirst.find(({ bootProgram }) => bootProgram !== undefined) ?? {}
  const { proxy } = strongestFirst.find(({ proxy }) => proxy !== undefined) ?? {}
  return JSON.stringify([mergeAssignments(strongestFirst.toReversed()), bootProgram, proxy])
}

function wantedByPolicy({ policy }: Catalog): Wanted | undefined {
  if (policy.kind === 'image') return wantedOf(policy)
  if (policy.kind === 'menu') return { kind: 'menu', name: policy.menu }
  return policy.kind === 'local' ? { kind: 'local' } : undefined
}

function phraseOf(catalog: Catalog, chosen: Wanted | undefined, target: KnownTarget): string {
  if (chosen === undefined) return 'nothing: it waits until it is assigned'
  if (chosen.kind === 'local') return 'the local disk'
  if (chosen.kind === 'image') return bootsImage(catalog, chosen, target)
  return catalog.menus.has(chosen.name) ? `menu ${chosen.name}` : `nothing: there is no menu ${chosen.name}`
}

function bootsImage(
  catalog: Catalog,
  { name, version, everyBoot }: Extract<Wanted, { kind: 'image' }>,
  target: KnownTarget,
): string {
  const image = findCatalogImage(catalog, { image: name, version })
  if (image === undefined)
    return catalog.images.has(name)
      ? `nothing: image ${name} has no version ${version}`
      : `nothing: there is no image ${name}`
  const what = `image ${name} version ${image.version}`
  if (findVariant(image.variants, target) === undefined)
    return `nothing: ${what} has no variant for ${formatTarget(target)}`
  return image.installer && !everyBoot ? `nothing: ${what} is an installer, and would install at every boot` : what
}

const maxMenus = 64

/** A menu and the menus that it leads to, with the versions of their images. */
function printMenus(catalog: Catalog, name: string): string {
  const names = new Set([name])
  const parts: unknown[] = []
  for (const reached of names) {
    const menu = catalog.menus.get(reached)
    const { entries = [] } = menu ?? {}
    for (const entry of entries) if (entry.kind === 'menu' && names.size < maxMenus) names.add(entry.menu)
    const versions = entries.map((entry) => entry.kind === 'image' && findCatalogImage(catalog, entry)?.version)
    parts.push([reached, menu?.title, menu?.timeoutSeconds, menu?.defaultEntry, entries, versions])
  }
  return JSON.stringify(parts)
}
