// A small model of an inventory that several owners synchronize. It knows which computer each row means, so it matches nothing.

/** The source of a value: an owner that synchronizes, or `person`. */
type By = string
type Value = string | boolean

/** A row of an owner. `world`: which computer it is. Fields by path: `hostname`, `labels.rack`. */
export type WorldRow = { world: number; externalId: string; macs?: string[]; fields: Record<string, Value> }

type ModelMachine = {
  macs: Map<string, By>
  /** A value that a person cleared is undefined. */
  values: Map<string, { value: Value | undefined; by: By }>
  sources: Map<string, string>
  entry: By
  archived: boolean
}

/** A machine in one form, for the model and for the API. */
export type PlainMachine = {
  macs: Record<string, By>
  values: Record<string, { value?: Value | undefined; by: By }>
  sources: Record<string, string>
  entry: By
}

export type SyncModel = {
  /** All rows of an owner, with --prune. */
  sync: (owner: string, rows: WorldRow[]) => void
  edit: (world: number, path: string, value: Value | undefined) => void
  enter: (world: number, mac: string, fields: Record<string, Value>) => void
  archive: (world: number) => void
  restore: (world: number) => void
  remove: (world: number) => void
  /** The computers that are machines now. */
  worlds: () => number[]
  archivedWorlds: () => number[]
  macOf: (world: number) => string | undefined
  keyOf: (world: number) => string
  /** Whether only this owner gave the machine its MACs. */
  hasMacsOf: (world: number, owner: string) => boolean
  plain: () => { machines: PlainMachine[]; archived: string[] }
}

export const person = 'person'

/** Creates an empty model. */
export function createSyncModel(): SyncModel {
  const all = new Map<number, ModelMachine>()
  const find = (world: number) => all.get(world) as ModelMachine
  const holderOf = (mac: string) => [...all.values()].find(({ macs, archived }) => !archived && macs.has(mac))

  const sync: SyncModel['sync'] = (owner, rows) => {
    const named = new Set(rows.map(({ world }) => world))
    const gone = [...all].filter(
      ([world, { archived, sources }]) => !archived && sources.has(owner) && !named.has(world),
    )
    for (const [, machine] of gone) if (machine.entry === owner && machine.sources.size === 1) machine.archived = true
    const holders = new Map(
      [...all.values()]
        .filter(({ archived }) => !archived)
        .flatMap((machine) => [...machine.macs.keys()].map((mac) => [mac, machine] as const)),
    )
    const working = rows.filter(({ world }) => !(all.get(world)?.archived && find(world).entry === person))
    for (const { world, macs, externalId, fields } of working) {
      const machine = all.get(world) ?? {
        macs: new Map(),
        values: new Map(),
        sources: new Map(),
        entry: owner,
        archived: false,
      }
      all.set(world, machine)
      if (machine.archived) restoreFor(machine, owner)
      machine.sources.set(owner, externalId)
      setFields(machine, owner, fields)
      if (macs)
        for (const [mac, by] of machine.macs)
          if (by === owner && !macs.includes(mac)) {
            machine.macs.delete(mac)
            if (holders.get(mac) === machine) holders.delete(mac)
          }
    }
    for (const { world, macs = [] } of working) {
      const machine = find(world)
      for (const mac of macs) {
        const holder = holders.get(mac)
        if (machine.macs.has(mac) || (holder !== undefined && holder.macs.get(mac) !== owner)) continue
        holder?.macs.delete(mac)
        machine.macs.set(mac, owner)
        holders.set(mac, machine)
      }
    }
    for (const [, machine] of gone) if (!machine.archived) release(machine, owner)
  }

  return {
    sync,
    edit: (world, path, value) => {
      const { values } = find(world)
      if (values.get(path)?.value !== value) values.set(path, { value, by: person })
    },
    enter: (world, mac, fields) => {
      const values = new Map(Object.entries(fields).map(([path, value]) => [path, { value, by: person }] as const))
      all.set(world, { macs: new Map([[mac, person]]), values, sources: new Map(), entry: person, archived: false })
    },
    archive: (world) => Object.assign(find(world), { archived: true, entry: person }),
    restore: (world) => {
      const machine = find(world)
      for (const mac of [...machine.macs.keys()]) if (holderOf(mac) !== undefined) machine.macs.delete(mac)
      Object.assign(machine, { archived: false, entry: person })
    },
    remove: (world) => void all.delete(world),
    worlds: () => [...all].flatMap(([world, { archived }]) => (archived ? [] : [world])),
    archivedWorlds: () => [...all].flatMap(([world, { archived }]) => (archived ? [world] : [])),
    macOf: (world) => [...(all.get(world)?.macs.keys() ?? [])].sort()[0],
    hasMacsOf: (world, owner) => [...(all.get(world)?.macs.values() ?? [])].every((by) => by === owner),
    keyOf: (world) => keyOf(plainOf(find(world))),
    plain: () => ({
      machines: [...all.values()].filter(({ archived }) => !archived).map(plainOf),
      archived: [...all.values()].filter(({ archived }) => archived).map((machine) => keyOf(plainOf(machine))),
    }),
  }

  /** An archived machine comes back without the fields of another owner that archived it. */
  function restoreFor(machine: ModelMachine, owner: string): void {
    const { entry } = machine
    Object.assign(machine, { archived: false, entry: owner })
    for (const mac of [...machine.macs.keys()])
      if ([...all.values()].some((other) => other !== machine && !other.archived && other.macs.has(mac)))
        machine.macs.delete(mac)
    if (entry !== owner) release(machine, entry, owner)
  }
}

function setFields(machine: ModelMachine, owner: string, fields: Record<string, Value>): void {
  for (const [path, { by }] of machine.values) if (by === owner && !(path in fields)) machine.values.delete(path)
  for (const [path, value] of Object.entries(fields)) {
    const held = machine.values.get(path)
    if (held !== undefined && held.by !== owner) continue
    if (value === false) machine.values.delete(path)
    else machine.values.set(path, { value, by: owner })
  }
}

/** The owner no longer names the machine. A machine without any other MAC keeps those of the owner. */
function release(machine: ModelMachine, owner: string, heir?: string): void {
  machine.sources.delete(owner)
  for (const [path, { by }] of machine.values) if (by === owner) machine.values.delete(path)
  const others = [...machine.sources.keys()].sort()
  if (machine.entry === owner) machine.entry = others[0] ?? person
  const to = heir ?? machine.entry
  const keeps = [...machine.macs.values()].every((by) => by === owner)
  for (const [mac, by] of [...machine.macs])
    if (by === owner) {
      if (keeps) machine.macs.set(mac, to)
      else machine.macs.delete(mac)
    }
}

function plainOf({ macs, values, sources, entry }: ModelMachine): PlainMachine {
  return {
    macs: Object.fromEntries(macs),
    values: Object.fromEntries(values),
    sources: Object.fromEntries(sources),
    entry,
  }
}

/** The key of a machine in comparisons: its ids with its owners, or its MACs. */
export function keyOf({ sources, macs }: Pick<PlainMachine, 'sources' | 'macs'>): string {
  const ids = Object.entries(sources).map((pair) => pair.join(' '))
  return (ids.length > 0 ? ids : Object.keys(macs)).sort().join(', ')
}
