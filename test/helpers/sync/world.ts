// Three inventories that describe the same computers, and what happens to them in a night.
import { stringify } from 'yaml'
import type { Seeded } from '../seeded.ts'
import { createSyncModel, type SyncModel, type WorldRow } from './model.ts'

/** The owners, in the order of their nightly runs, each with the format of its file. */
export const owners = { cmdb: 'csv', dcim: 'ndjson', security: 'yaml' } as const
export type Owner = keyof typeof owners
export const ownerNames = Object.keys(owners) as Owner[]

/** What a person does to one computer, by its MAC. */
export type PersonDoes =
  | { does: 'set'; mac: string; hostname: string }
  | { does: 'label'; mac: string; rack: string }
  | { does: 'deny' | 'archive' | 'delete'; mac: string }
  | { does: 'enter'; mac: string; hostname: string }
  | { does: 'restore'; key: string }

export type World = {
  rows: Record<Owner, Map<number, WorldRow>>
  model: SyncModel
  /** Changes the inventories as a day does, with this number of changes in the largest of them. */
  pass: (changes: number) => void
  /** What a person does on a day. The model follows. */
  personActs: () => PersonDoes[]
  /** The file of an owner. */
  fileOf: (owner: Owner) => string
}

/** The MAC of a number. */
export const macOfWorld = (n: number) =>
  `52:54:00:${[n >> 16, n >> 8, n].map((part) => (part & 255).toString(16).padStart(2, '0')).join(':')}`

/** Creates a world of computers. All are in the CMDB, four of five in the DCIM, and half in the list of the security people. */
export function createWorld(size: number, { between, next, pick }: Seeded): World {
  const rows: World['rows'] = { cmdb: new Map(), dcim: new Map(), security: new Map() }
  const model = createSyncModel()
  let nextWorld = 0
  let nextMac = 0
  let turn = 0
  const entered: number[] = []
  const freshMac = () => macOfWorld(nextMac++)

  const add = (mac = freshMac(), hostname?: string) => {
    const world = nextWorld++
    const fields = {
      ...{ hostname: hostname ?? `h${world}`, serial: `S${world}`, product: pick(['R740', 'DL380', 'SR650']) },
      ...{ 'labels.env': pick(['prod', 'test']), 'labels.team': pick(['web', 'db', 'no', '1e3']) },
    }
    const macs = next() < 0.2 ? [mac, freshMac()] : [mac]
    rows.cmdb.set(world, { world, externalId: `c-${world}`, macs, fields })
    if (next() < 0.8) addTo('dcim', world, mac)
    if (next() < 0.5) addTo('security', world, mac)
  }
  const addTo = (owner: 'dcim' | 'security', world: number, mac: string) => {
    const fields = {
      dcim: () => ({
        'labels.site': pick(['fra', 'ams']),
        'labels.rack': `r${between(1, 40)}`,
        'labels.pdu': `p${between(1, 9)}`,
      }),
      security: () => ({ denied: next() < 0.1, 'labels.secure-boot': pick(['on', 'off']) }),
    }
    rows[owner].set(world, { world, externalId: String(world), macs: [mac], fields: fields[owner]() })
  }
  for (let n = 0; n < size; n++) add()

  const anyOf = (owner: Owner) => pick([...rows[owner].values()])
  /** Computers whose MACs or rows changed today: a second change of one would make another story. */
  const touched = new Set<number>()
  const untouched = () => {
    // A machine that does not exist yet, or that a person deleted, has no other key than its MACs.
    const known = new Set([...model.worlds(), ...model.archivedWorlds()])
    const row = pick(
      [...rows.cmdb.values()].filter(
        ({ world, macs }) => macs !== undefined && known.has(world) && !touched.has(world),
      ),
    )
    touched.add(row.world)
    return row
  }
  /** The others learn of new MACs a night later, or at once. */
  const tell = (row: WorldRow) => {
    if (next() < 0.5) return
    for (const owner of ['dcim', 'security'] as const) {
      const other = rows[owner].get(row.world)
      if (other) other.macs = [row.macs?.[0] as string]
    }
  }
  const drop = (world: number, from: readonly Owner[]) => {
    for (const owner of from) rows[owner].delete(world)
  }
  const events: Record<string, () => void> = {
    hostname: () => Object.assign(anyOf('cmdb').fields, { hostname: `h${between(0, 9999)}-new` }),
    label: () => Object.assign(anyOf('cmdb').fields, { 'labels.team': pick(['web', 'db', 'ops', 'null']) }),
    rack: () => Object.assign(anyOf('dcim').fields, { 'labels.rack': `r${between(1, 40)}` }),
    lostLabel: () => void delete anyOf('dcim').fields['labels.pdu'],
    denied: () => Object.assign(anyOf('security').fields, { denied: next() < 0.5 }),
    sameLabel: () => Object.assign(anyOf('dcim').fields, { 'labels.env': pick(['prod', 'test']) }),
    newMachine: () => add(),
    swap: () => {
      const [one, two] = [untouched(), untouched()]
      ;[one.macs, two.macs] = [two.macs, one.macs] as [string[], string[]]
      for (const row of [one, two]) tell(row)
    },
    newCard: () => {
      const row = untouched()
      row.macs = [freshMac()]
      tell(row)
    },
    renamed: () => {
      const row = untouched()
      // The MACs of a machine that a person archived may be old, and nothing else names it.
      if (model.worlds().includes(row.world)) row.externalId = `c-${row.world}-${turn}-${between(0, 999)}`
    },
    /** The machine leaves, and a new one gets its host name, and sometimes its network card. */
    replaced: () => {
      const { world, macs, fields } = untouched()
      drop(world, ownerNames)
      add(next() < 0.5 && model.hasMacsOf(world, 'cmdb') ? macs?.[0] : undefined, fields.hostname as string)
    },
    gone: () => drop(untouched().world, ownerNames),
    /** The CMDB no longer names the machine, the DCIM does. */
    moved: () => {
      const { world, macs } = untouched()
      // The DCIM names a card that stays on the machine.
      if (!model.hasMacsOf(world, 'cmdb')) return
      drop(world, ['cmdb'])
      addTo('dcim', world, macs?.[0] as string)
    },
    noMacs: () => {
      delete untouched().macs
    },
  }

  const adopt = () => {
    const world = entered.shift()
    const mac = world !== undefined && model.worlds().includes(world) ? model.macOf(world) : undefined
    if (world === undefined || mac === undefined) return
    touched.add(world)
    const fields = { hostname: `h${world}`, serial: `S${world}`, product: 'R740' }
    rows.cmdb.set(world, { world, externalId: `c-${world}`, macs: [mac], fields })
  }

  /** An old MAC of one computer is a new one of another: a file with both would be refused. */
  const forgetTwice = (owner: 'dcim' | 'security') => {
    const first = new Map<string, WorldRow>()
    for (const row of rows[owner].values()) {
      const mac = row.macs?.[0]
      if (mac === undefined) continue
      const other = first.get(mac)
      const isHere = rows.cmdb.get(row.world)?.macs?.includes(mac)
      if (other !== undefined) delete (isHere ? other : row).macs
      if (other === undefined || isHere) first.set(mac, row)
    }
  }

  const pass = (changes: number) => {
    turn++
    touched.clear()
    // Each kind once, then by chance. Rows without MACs have them again.
    const named = new Set([...rows.cmdb.values()].flatMap(({ macs = [] }) => macs))
    for (const row of rows.cmdb.values()) {
      const mac = model.macOf(row.world)
      row.macs ??= [mac === undefined || named.has(mac) ? freshMac() : mac]
    }
    const kinds = Object.keys(events)
    adopt()
    for (let n = 0; n < changes; n++) events[n < kinds.length ? (kinds[n] as string) : pick(kinds)]?.()
    for (const owner of ['dcim', 'security'] as const) forgetTwice(owner)
  }

  const personActs = (): PersonDoes[] => {
    const acts: PersonDoes[] = []
    const someone = (act: (world: number, mac: string) => PersonDoes) => {
      const world = pick(model.worlds())
      const mac = model.macOf(world)
      if (mac !== undefined) acts.push(act(world, mac))
    }
    someone((world, mac) => {
      const hostname = `mine-${between(0, 999)}`
      model.edit(world, 'hostname', hostname)
      return { does: 'set', mac, hostname }
    })
    someone((world, mac) => {
      model.edit(world, 'labels.rack', 'hers')
      return { does: 'label', mac, rack: 'hers' }
    })
    someone((world, mac) => {
      model.edit(world, 'denied', true)
      return { does: 'deny', mac }
    })
    someone((world, mac) => {
      model.archive(world)
      return { does: 'archive', mac }
    })
    someone((world, mac) => {
      model.remove(world)
      for (const owner of ['dcim', 'security'] as const) {
        const row = rows[owner].get(world)
        if (row) row.macs = rows.cmdb.get(world)?.macs?.slice(0, 1) ?? [mac]
      }
      return { does: 'delete', mac }
    })
    const [mac, world] = [freshMac(), nextWorld++]
    entered.push(world)
    model.enter(world, mac, { hostname: `entered-${world}` })
    acts.push({ does: 'enter', mac, hostname: `entered-${world}` })
    const archived = model.archivedWorlds()
    if (archived.length > 0) {
      const back = pick(archived)
      acts.push({ does: 'restore', key: model.keyOf(back) })
      model.restore(back)
    }
    return acts
  }

  return { rows, model, pass, personActs, fileOf: (owner) => formatRows(owners[owner], [...rows[owner].values()]) }
}

function formatRows(format: (typeof owners)[Owner], rows: WorldRow[]): string {
  if (format === 'csv') return csvOf(rows)
  const objects = rows.map(({ externalId, macs, fields }) => {
    const labels = Object.entries(fields).filter(([path]) => path.startsWith('labels.'))
    const others = Object.entries(fields).filter(([path]) => !path.startsWith('labels.'))
    return {
      externalId,
      macs,
      ...Object.fromEntries(others),
      labels: Object.fromEntries(labels.map(([path, value]) => [path.slice(7), value])),
    }
  })
  return format === 'yaml'
    ? stringify(objects, { compat: 'yaml-1.1' })
    : objects.map((row) => `${JSON.stringify(row)}\n`).join('')
}

function csvOf(rows: WorldRow[]): string {
  const paths = [...new Set(rows.flatMap(({ fields }) => Object.keys(fields)))]
  const head = ['externalId', 'macs', ...paths.map((path) => path.replace('labels.', 'label.'))]
  const cells = rows.map(({ externalId, macs = [], fields }) => [
    externalId,
    macs.join(' '),
    ...paths.map((path) => String(fields[path] ?? '')),
  ])
  return [head, ...cells].map((line) => `${line.join(',')}\n`).join('')
}
