// What a change of a group would change, before it is saved. Called by the API.
import type { Db } from '../../db/open.ts'
import { loadCatalog } from '../../inventory/boots/catalog.ts'
import type { Inventory } from '../../inventory/open.ts'
import { isSameJson } from '../../lib/canonical.ts'
import type { Catalog } from '../../model/catalog.ts'
import type { Decision, Situation } from '../../model/decision.ts'
import { type Facts, targetOf } from '../../model/facts.ts'
import { firmwareKindOf } from '../../model/firmware/kinds.ts'
import type { PresentNbp } from '../../model/firmware/nbp.ts'
import { type Machine, nameOf } from '../../model/machine.ts'
import { subjectOf } from '../../model/selector.ts'
import { chooseBootProgram } from '../boot-program.ts'
import { decide } from '../decision.ts'
import { machinePages } from '../machine-pages.ts'
import { type GroupDraft, withGroup } from './drafts.ts'

type Deps = { db: Db; inventory: Pick<Inventory, 'findSituation'>; nbps: ReadonlyMap<string, PresentNbp> }

/** Machines in a list that shows only the first of them. */
export type Counted = { count: number; machines: { id: string; name: string }[] }

/** What a machine boots: a phrase, and the parts of the decision that a group can change. */
export type BootSummary = { boots: string; decision: Decision; bootProgram?: string | undefined }

export type GroupPreview = {
  /** The number of machines whose facts and labels were compared with the selector. */
  checked: number
  /** The inventory has machines that were not compared. */
  more: boolean
  added: Counted
  removed: Counted
  unchanged: Counted
  changes: {
    /** The machines that match before or after the change, and whose boot was decided both ways. */
    evaluated: number
    /** Further machines match, but their boot was not decided. */
    more: boolean
    count: number
    machines: { id: string; name: string; before: BootSummary; after: BootSummary }[]
  }
}

const maxChecked = 20_000
const maxEvaluated = 1000
const maxListed = 20
const decidedAtOnce = 256

/** Compares the machines of a group, and what they boot, before and after a change. Without a draft, the group is deleted. */
export async function previewGroup(deps: Deps, name: string, draft: GroupDraft | undefined): Promise<GroupPreview> {
  const catalog = await loadCatalog(deps.db)
  const [before] = catalog.groups.filter((group) => group.name === name)
  const [after] = withGroup(catalog, name, draft).groups.filter((group) => group.name === name)
  const preview = { checked: 0, added: counted(), removed: counted(), unchanged: counted() }
  const affected: Machine[] = []
  const pages = machinePages(deps.db, maxChecked)
  for (let page = await pages.next(); ; page = await pages.next()) {
    if (page.done) return { ...preview, more: page.value, changes: await compareBoots(deps, name, draft, affected) }
    for (const machine of page.value) {
      const subject = subjectOf(machine, machine.facts, targetOf(machine.facts))
      const matched = before !== undefined && before.refuses(subject) === undefined
      const matches = after !== undefined && after.refuses(subject) === undefined
      preview.checked += 1
      if (!matched && !matches) continue
      addTo(matched && matches ? preview.unchanged : matches ? preview.added : preview.removed, machine)
      if (affected.length <= maxEvaluated) affected.push(machine)
    }
  }
}

async function compareBoots(
  { inventory, nbps }: Deps,
  name: string,
  draft: GroupDraft | undefined,
  affected: Machine[],
): Promise<GroupPreview['changes']> {
  const evaluated = affected.slice(0, maxEvaluated)
  // Most situations share a catalog, and a catalog may have thousands of groups to sort.
  const drafts = new Map<Catalog, Catalog>()
  const draftOf = (catalog: Catalog) => {
    const drafted = drafts.get(catalog) ?? withGroup(catalog, name, draft)
    drafts.set(catalog, drafted)
    return drafted
  }
  const changes: GroupPreview['changes'] = {
    ...{ evaluated: evaluated.length, more: affected.length > evaluated.length },
    ...{ count: 0, machines: [] },
  }
  for (let at = 0; at < evaluated.length; at += decidedAtOnce) {
    const batch = evaluated.slice(at, at + decidedAtOnce)
    const situations = await Promise.all(batch.map((machine) => inventory.findSituation(keysOf(machine))))
    for (const [index, situation] of situations.entries()) {
      const machine = batch[index] as Machine
      const before = summaryOf(situation, nbps)
      const after = summaryOf({ ...situation, catalog: draftOf(situation.catalog) }, nbps)
      if (isSameBoot(before, after)) continue
      changes.count += 1
      if (changes.machines.length < maxListed)
        changes.machines.push({ id: machine.id, name: nameOf(machine), before, after })
    }
  }
  return changes
}

/** What a machine boots in a situation. */
export function summaryOf(
  situation: Situation,
  nbps: Deps['nbps'],
  decision: Decision = decide(situation).decision,
): BootSummary {
  const kind = firmwareKindOf(decision.target)
  const program = kind && chooseBootProgram(situation, kind.code, [...nbps.values()]).bootProgram
  return { boots: bootsOf(decision), decision, bootProgram: program }
}

function isSameBoot(a: BootSummary, b: BootSummary): boolean {
  const parts = ({ decision: { spec, image, answerFile, params }, bootProgram }: BootSummary) => ({
    ...{ spec, image, answerFile, params, bootProgram },
  })
  return isSameJson(parts(a), parts(b))
}

/** What a decision boots, for people: `image debian-12 version 3`. */
export function bootsOf({ spec, image, deployment }: Decision): string {
  if (spec.kind === 'refusal') return `nothing: ${spec.reason}`
  if (spec.kind === 'local') return 'the local disk'
  if (spec.kind === 'menu') return `menu ${spec.menu}`
  if (spec.kind === 'wait') return 'nothing: it waits until it is assigned'
  if (spec.kind === 'shell') return 'the iPXE shell'
  if (spec.kind === 'reboot') return 'a restart'
  const what = `image ${image?.name} version ${image?.version}`
  return deployment === undefined ? what : `${what}, to install it`
}

/** The facts that identify a machine: its MAC address, or the keys that it last reported if no MAC was entered. */
export function keysOf({ macs, uuid, serial, product, facts }: Machine): Facts {
  const [mac] = macs
  if (mac !== undefined) return { mac }
  const keys = Object.entries({ uuid, serial, product, mac: facts.mac })
  return Object.fromEntries(keys.filter(([, value]) => value !== undefined))
}

function counted(): Counted {
  return { count: 0, machines: [] }
}

function addTo(list: Counted, machine: Machine): void {
  list.count += 1
  if (list.machines.length < maxListed) list.machines.push({ id: machine.id, name: nameOf(machine) })
}
