// Which MACs the machines of a synchronization have afterwards. Pure.

import type { Mac } from '../../../lib/ids/mac.ts'
import type { FieldOwners } from '../../../model/identity/field-owners.ts'
import type { Machine } from '../../../model/machine.ts'
import type { PlannedRow } from '../plan.ts'
import type { Match } from './match.ts'
import { keptField, mayReplace } from './owned-fields.ts'
import type { KeptField, SyncExisting, SyncOptions } from './row.ts'

/** The MACs of a machine after its row. `owned`: those that are the owner's then. */
type MacsAfter = { macs: Mac[]; owned: Mac[]; kept: KeptField[] }

/**
 * Plans the MACs of all rows together, so that machines may exchange theirs. A row that names MACs names all MACs of its owner;
 * those of people and other owners stay. `moved`: machines without a row that lose a MAC to a row.
 */
export function planMacs(
  matches: Match[],
  existing: SyncExisting,
  gone: ReadonlySet<string>,
  options: SyncOptions,
): { of: (match: Match) => MacsAfter; moved: PlannedRow[] } {
  const { owner, takeOver } = options
  const matched = new Map(matches.flatMap(({ before }) => (before ? [[before.id, before] as const] : [])))
  const released = new Set<Mac>()
  const namedBy = new Set(matches.flatMap(({ row }) => row.change.macs ?? []))
  // An archived machine gets its MACs again, but for those that another machine has now, or that another row names.
  const comesBack = (match: Match, mac: Mac) =>
    !isHeld(existing.byMac.get(mac)) && (!namedBy.has(mac) || match.row.change.macs?.includes(mac))
  const macsBefore = (match: Match) =>
    match.archived ? match.archived.macs.filter((mac) => comesBack(match, mac)) : (match.before?.macs ?? [])
  for (const match of matches)
    for (const mac of macsBefore(match))
      if (match.row.change.macs && !match.row.change.macs.includes(mac) && ownerOf(match.before, mac) === owner)
        released.add(mac)
  const losses = new Map<string, { machine: Machine; macs: Mac[]; line: number }>()

  /** Why a row does not get a MAC; undefined if it does. */
  const refusal = (match: Match, mac: Mac): KeptField | undefined => {
    const { before, row, takesOver } = match
    const holder = existing.byMac.get(mac)
    const own = before?.owners?.[`macs.${mac}`]
    if (!mayReplace(own, undefined, options)) return keptField(`macs.${mac}`, 'removed', mac, own)
    if (holder === undefined || takesOver.includes(holder) || holder.id === before?.id) return undefined
    if (released.has(mac) || gone.has(holder.id)) return undefined
    if (ownerOf(holder, mac) !== owner && !takeOver)
      return keptField(`macs.${mac}`, `of machine ${holder.name ?? holder.id}`, mac, ownerOf(holder, mac))
    if (matched.has(holder.id)) released.add(mac)
    else {
      const loss = losses.get(holder.id) ?? { machine: holder, macs: [], line: row.line }
      loss.macs.push(mac)
      losses.set(holder.id, loss)
    }
    return undefined
  }
  const asked = new Map(
    matches.map((match) => {
      const present = macsBefore(match)
      const fresh = (match.row.change.macs ?? []).filter((mac) => !present.includes(mac))
      return [match, fresh.map((mac) => ({ mac, refused: refusal(match, mac) }))] as const
    }),
  )
  const of = (match: Match): MacsAfter => {
    const { row, before } = match
    const list = asked.get(match) ?? []
    const stay = macsBefore(match).filter((mac) => !released.has(mac))
    const added = list.filter(({ refused }) => refused === undefined).map(({ mac }) => mac)
    const mine = (row.change.macs ?? []).filter(
      (mac) => stay.includes(mac) && (takeOver || before?.discovered || ownerOf(before, mac) === owner),
    )
    return {
      macs: [...new Set([...stay, ...added])],
      owned: [...added, ...mine],
      kept: list.flatMap(({ refused }) => refused ?? []),
    }
  }
  const moved = [...losses.values()].map(({ machine, macs, line }): PlannedRow => {
    const owners: FieldOwners = { ...machine.owners }
    for (const mac of macs) delete owners[`macs.${mac}`]
    const after = { ...machine, macs: machine.macs.filter((mac) => !macs.includes(mac)), owners }
    return { line, outcome: 'changed', before: machine, after, takesOver: [], owners }
  })
  return { of, moved }
}

function ownerOf(machine: Machine | undefined, mac: Mac) {
  return machine?.owners?.[`macs.${mac}`]
}

function isHeld(machine: Machine | undefined): boolean {
  return machine !== undefined && !machine.discovered
}
