// What machines boot next, in words that can be counted. A lean form of decision.ts for 100,000 machines: it has no reasons. Pure.
import type { Installs, MachineToCount } from '../../inventory/boots/counted-machines.ts'
import { formatTarget } from '../../model/arch.ts'
import { type Assignment, mergeAssignments, type Wanted, wantedOf } from '../../model/assignment.ts'
import { type Catalog, type CatalogGroup, compareGroups, findCatalogImage } from '../../model/catalog.ts'
import { mayInstall } from '../../model/every-boot.ts'
import { type KnownTarget, targetOf } from '../../model/facts.ts'
import { findVariant } from '../../model/image.ts'
import { matchingGroups } from '../group-match.ts'

/** What a machine boots next. `boots` is for people. Two machines boot the same if `isSameNextBoot` says so. */
export type NextBoot = {
  /** `image debian-12 version 3`, `menu main`, `the local disk`, `nothing: …`. */
  boots: string
  /** `boots`, with the versions of what it leads to. */
  print: string
  kind: Kind
  /** The assignments that apply, the strongest first. */
  applied: Assignment[]
}

/** What the fields of assignments apply to: an image or a menu, the local disk, or nothing that boots. */
type Kind = 'files' | 'disk' | 'nothing'

/** The groups that match a machine, the strongest first. */
export type FindGroups = (machine: MachineToCount, target: KnownTarget) => CatalogGroup[]

/** Finds the groups of machines in a catalog. */
export function groupsIn(catalog: Pick<Catalog, 'groups'>): FindGroups {
  return (machine, target) => matchingGroups(catalog, machine, machine.facts, target)
}

/** Says what machines boot next by a catalog. */
export function createNextBoots(
  catalog: Catalog,
  findGroups = groupsIn(catalog),
): (machine: MachineToCount) => NextBoot {
  const menus = new Map<string, string>()
  const menuPrint = (name: string) => {
    const print = menus.get(name) ?? printMenus(catalog, name)
    menus.set(name, print)
    return print
  }

  return (machine) => {
    if (machine.denied) return denied
    const { installs, assignment: own = {} } = machine
    const target = targetOf(machine.facts)
    const groups = findGroups(machine, target).map(({ assignment }) => assignment)
    const applied = installs === undefined ? [own, ...groups] : [installs.assignment, own, ...groups]
    const { answerFile } = applied.find((assignment) => assignment.answerFile !== undefined) ?? {}
    const chooser = applied.find((assignment) => wantedOf(assignment) !== undefined)
    const usual = chooser === undefined ? wantedByPolicy(catalog) : wantedOf(chooser)
    const chosen = installs === undefined ? usual : installedBy(installs)
    const named = { answerFile, together: chooser?.answerFile !== undefined, installs }
    const { boots, kind } = bootsWhat(catalog, chosen, target, named)
    const print = chosen?.kind === 'menu' ? menuPrint(chosen.name) : boots
    if (kind !== 'files' || answerFile === undefined) return { boots, print, kind, applied }
    const { version } = catalog.answerFiles.get(answerFile) ?? {}
    return { boots, print: `${print}\nanswer file version ${version}`, kind, applied }
  }
}

/**
 * Says what machines boot next by two catalogs. Each group that is the same in both is tested once for a machine, if the machine is
 * given to both functions in turn.
 */
export function createNextBootsOfTwo(before: Catalog, after: Catalog) {
  const keysBefore = new Set(before.groups.map(keyOfGroup))
  const keysAfter = new Set(after.groups.map(keyOfGroup))
  const gone = new Set(before.groups.filter((group) => !keysAfter.has(keyOfGroup(group))))
  const added = after.groups.filter((group) => !keysBefore.has(keyOfGroup(group)))
  const [findBefore, findAdded] = [groupsIn(before), groupsIn({ groups: added })]
  let last: { machine?: MachineToCount; groups: CatalogGroup[] } = { groups: [] }
  const findOnce: FindGroups = (machine, target) => {
    if (last.machine !== machine) last = { machine, groups: findBefore(machine, target) }
    return last.groups
  }
  const findAfter: FindGroups = (machine, target) => {
    const kept = findOnce(machine, target).filter((group) => !gone.has(group))
    const others = added.length === 0 ? [] : findAdded(machine, target)
    return others.length === 0 ? kept : [...kept, ...others].sort(compareGroups)
  }
  return { was: createNextBoots(before, findOnce), is: createNextBoots(after, findAfter) }
}

function keyOfGroup({ name, priority, selector, assignment }: CatalogGroup): string {
  return JSON.stringify([name, priority, selector, assignment])
}

const denied: NextBoot = {
  boots: 'nothing: the machine is denied',
  print: 'nothing: the machine is denied',
  kind: 'nothing',
  applied: [],
}

/** Whether two boots are the same, also in their arguments, params, answer file and boot program. */
export function isSameNextBoot(a: NextBoot, b: NextBoot): boolean {
  if (a.print !== b.print || a.kind !== b.kind) return false
  const isSame = a.applied.length === b.applied.length && a.applied.every((given, at) => given === b.applied[at])
  return isSame || howOf(a) === howOf(b)
}

function howOf({ applied, kind }: NextBoot): string {
  const { bootProgram } = applied.find(({ bootProgram }) => bootProgram !== undefined) ?? {}
  const { proxy } = applied.find(({ proxy }) => proxy !== undefined) ?? {}
  const merged = mergeAssignments(applied.toReversed())
  const how = kind === 'files' ? merged : kind === 'disk' ? merged.localBoot : undefined
  return JSON.stringify([how, bootProgram, proxy])
}

type Booted = Pick<NextBoot, 'boots' | 'kind'>

function wantedByPolicy({ policy }: Catalog): Wanted | undefined {
  if (policy.kind === 'image') return wantedOf(policy)
  if (policy.kind === 'menu') return { kind: 'menu', name: policy.menu }
  return policy.kind === 'local' ? { kind: 'local' } : undefined
}

function installedBy({ image, version }: Installs): Wanted {
  return { kind: 'image', name: image, version: version ?? undefined, everyBoot: true }
}

/** What decides whether an image boots, besides its files. `together`: the same assignment names image and answer file. */
type Named = { answerFile: string | undefined; together: boolean; installs: Installs | undefined }

function bootsWhat(catalog: Catalog, chosen: Wanted | undefined, target: KnownTarget, named: Named): Booted {
  if (chosen === undefined) return nothing('it waits until it is assigned')
  if (chosen.kind === 'local') return localDisk
  if (chosen.kind === 'image') return bootsImage(catalog, chosen, target, named)
  return catalog.menus.has(chosen.name)
    ? { boots: `menu ${chosen.name}`, kind: 'files' }
    : nothing(`there is no menu ${chosen.name}`)
}

const localDisk: Booted = { boots: 'the local disk', kind: 'disk' }

function nothing(why: string): Booted {
  return { boots: `nothing: ${why}`, kind: 'nothing' }
}

function bootsImage(
  catalog: Catalog,
  { name, version, everyBoot }: Extract<Wanted, { kind: 'image' }>,
  target: KnownTarget,
  { answerFile, together, installs }: Named,
): Booted {
  const image = findCatalogImage(catalog, { image: name, version })
  if (image === undefined)
    return nothing(catalog.images.has(name) ? `image ${name} has no version ${version}` : `there is no image ${name}`)
  const what = `image ${name} version ${image.version}`
  const variant = findVariant(image.variants, target)
  if (variant === undefined) return nothing(`${what} has no variant for ${formatTarget(target)}`)
  if (catalog.damaged.has(variant)) return nothing(`${what} has a corrupted file`)
  const boots = installs === undefined ? what : `${what}, to install it`
  if (variant.kind === 'local') return { boots, kind: 'disk' }
  if (answerFile !== undefined && !catalog.answerFiles.has(answerFile))
    return nothing(`there is no answer file ${answerFile}`)
  if (!everyBoot && mayInstall(image.installer, answerFile, together))
    return nothing(
      `${what} ${image.installer ? 'is an installer, and' : `with answer file ${answerFile}`} would install at every boot`,
    )
  // Windows Setup restarts before it ends (decision.ts).
  if (installs !== undefined && installs.attempts > 0 && variant.kind === 'wimboot') return localDisk
  return { boots, kind: 'files' }
}

const maxMenus = 64

/** A menu and the menus that it leads to, with the versions of their images and answer files. */
function printMenus(catalog: Catalog, name: string): string {
  const names = new Set([name])
  const parts: unknown[] = []
  for (const reached of names) {
    const menu = catalog.menus.get(reached)
    const { entries = [] } = menu ?? {}
    for (const entry of entries) if (entry.kind === 'menu' && names.size < maxMenus) names.add(entry.menu)
    const versions = entries.map(
      (entry) =>
        entry.kind === 'image' && [
          findCatalogImage(catalog, entry)?.version,
          entry.answerFile && catalog.answerFiles.get(entry.answerFile)?.version,
        ],
    )
    parts.push([reached, menu?.title, menu?.timeoutSeconds, menu?.defaultEntry, entries, versions])
  }
  return JSON.stringify(parts)
}
