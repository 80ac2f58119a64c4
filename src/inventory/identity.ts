import { realValue } from '../placeholders.ts'
import { parseUuid, swapUuid } from '../uuid.ts'
import type { Facts } from './facts.ts'
import type { Machine } from './machines.ts'

/** What machines are looked up by. A value that vendors write for "none" is not among them. */
export type IdentityKeys = { mac?: string; uuids: string[]; serial?: string; product?: string }

/** A machine that a request may come from, and what other requests said that were taken for it without one of its MACs. */
export type Candidate = { machine: Machine; claims: { mac: string; facts: Facts }[] }

/**
 * Who a request was taken for. `conflict`: several machines that an operator entered lay claim to it. Without a machine it
 * is taken for nobody. `notices` are for people: what does not fit, and the commands that settle it.
 */
export type Identity =
  | {
      machine: Machine
      matchedBy: string
      /** By a MAC of the machine, not only by its UUID or serial. */
      byMac: boolean
      /** Why it is not certain: then nothing that installs is served. */
      weak?: string
      passedOver: string[]
      notices: string[]
    }
  | { conflict: Machine[]; why: string }
  | Nobody

/** Taken for nobody. `claimed` are the machines whose entered UUID or serial it says, though that is no key any more. */
type Nobody = { notices: string[]; claimed: Machine[] }

/** The keys in what a machine says of itself. */
export function identityKeys(facts: Facts): IdentityKeys {
  const uuid = facts.uuid === undefined ? undefined : parseUuid(facts.uuid)
  const serial = realValue(facts.serial)
  const product = realValue(facts.product)
  return {
    ...(facts.mac !== undefined && { mac: facts.mac }),
    uuids: uuid === undefined ? [] : [uuid, swapUuid(uuid)],
    ...(serial !== undefined && product !== undefined && { serial, product }),
  }
}

/**
 * Which of the candidates a request comes from. A MAC that an operator entered identifies its machine. Where no entered
 * machine has the MAC, an entered UUID (in either byte order) or serial with product does, unless another machine reports
 * the same value. It is weak where the machine has MACs and this is none of them, or where an entered value contradicts.
 * What a machine only reported identifies nothing: a discovered machine is known by the MAC that it was seen with.
 */
export function identify(facts: Facts, candidates: Candidate[]): Identity {
  const keys = identityKeys(facts)
  const owner = candidates.find(({ machine }) => keys.mac !== undefined && machine.macs.includes(keys.mac))
  const entered = candidates.filter(({ machine }) => !machine.discovered)
  if (owner !== undefined && !owner.machine.discovered) return byOwnMac(owner.machine, facts, entered)

  const found = enteredKeys(keys, entered)
  const claims = found.map((claim) => ({
    ...claim,
    sharers: [...enteredTwice(claim, found), ...sharersOf(claim, keys, candidates)],
  }))
  const notices = claims.flatMap(sharedNotices)
  const alive = claims.filter(({ sharers }) => sharers.length === 0)
  const first = alive[0]
  if (first === undefined) {
    const probable = notices.length > 0 ? [] : probableNotices(keys, facts, owner, candidates)
    const told = { notices: [...notices, ...probable] }
    if (owner === undefined) return { ...told, claimed: claims.map(({ machine }) => machine) }
    return { machine: owner.machine, matchedBy: `MAC ${keys.mac}`, byMac: true, passedOver: [], ...told }
  }
  const claimants = [...new Set(alive.map(({ machine }) => machine))]
  if (claimants.length > 1) {
    const said = alive.map(({ machine, key }) => `${nameOf(machine)} by ${key}`)
    return { conflict: claimants, why: `two machines claim it: ${said.join(', ')}` }
  }
  const weak = whyWeak(first.machine, first.key, facts)
  return {
    machine: first.machine,
    matchedBy: first.key,
    byMac: false,
    ...(weak !== undefined && { weak }),
    passedOver: owner === undefined ? [] : [`${nameOf(owner.machine)} has the MAC ${keys.mac} but was only discovered`],
    notices: weak === undefined ? notices : [...notices, ...settling(first.machine, first.key, facts)],
  }
}

/** Whether anything identifies a machine: a MAC, a UUID, or a serial with its product. */
export function isIdentified(machine: {
  macs: string[]
  uuid?: string | null | undefined
  serial?: string | null | undefined
  product?: string | null | undefined
}): boolean {
  const { macs, uuid, serial, product } = machine
  return macs.length > 0 || Boolean(uuid) || Boolean(realValue(serial ?? '') && realValue(product ?? ''))
}

/** What a machine needs that nothing identifies. */
export const identifiedBy = 'at least one MAC address, or else a UUID, or a serial with a product'

/** How messages call a machine: by its name (its host name where no other machine has that), else a MAC, else its id. */
export function nameOf({ id, name, hostname, macs }: NamedMachine): string {
  return name ?? hostname ?? macs[0] ?? id
}
type NamedMachine = { id: string; name?: string | undefined; hostname?: string | undefined; macs: string[] }

/** A machine as commands take it: a MAC, else what else names it alone. */
export function handleOf(machine: Pick<Machine, 'id' | 'macs' | 'uuid'>): string {
  return machine.macs[0] ?? machine.uuid ?? machine.id
}

/** An entered value that a request says too, and the machine that it was entered for. */
type Claim = { machine: Machine; kind: 'uuid' | 'serial'; key: string }

function enteredKeys({ uuids, serial, product }: IdentityKeys, entered: Candidate[]): Claim[] {
  const machines = entered.map(({ machine }) => machine)
  return [
    ...machines
      .filter(({ uuid }) => uuid !== undefined && uuids.includes(uuid))
      .map((machine) => ({ machine, kind: 'uuid' as const, key: `UUID ${uuids[0]}` })),
    ...machines
      .filter((machine) => serial !== undefined && machine.serial === serial && machine.product === product)
      .map((machine) => ({ machine, kind: 'serial' as const, key: `serial ${serial}` })),
  ]
}

// Boards of one maker may share a UUID, and be entered with it: their MACs tell them apart, and one that has none of them is another.
function enteredTwice({ machine, key }: Claim, claims: Claim[]): string[] {
  const twins = claims.filter((one) => one.key === key)
  const others = twins.filter((one) => one.machine !== machine)
  return twins.every((one) => one.machine.macs.length > 0) ? others.map((one) => nameOf(one.machine)) : []
}

/** The other machines that report the same value: then it says nothing about which of them asks. */
function sharersOf({ machine, kind }: Claim, keys: IdentityKeys, candidates: Candidate[]): string[] {
  const isOther = (mac: string) => mac !== (keys.mac ?? '')
  const records = candidates
    .filter((one) => one.machine !== machine && !(keys.mac !== undefined && one.machine.macs.includes(keys.mac)))
    .filter((one) => reports(one.machine.facts, kind, keys))
    .map((one) => nameOf(one.machine))
  const claims = candidates
    .filter((one) => one.machine === machine)
    .flatMap((one) => one.claims.filter(({ mac, facts }) => isOther(mac) && reports(facts, kind, keys)))
    .map(({ mac }) => mac || 'a machine without a MAC')
  return [...new Set([...records, ...claims])]
}

function reports(facts: Facts, kind: 'uuid' | 'serial', keys: IdentityKeys): boolean {
  const said = identityKeys(facts)
  if (kind === 'uuid') return said.uuids.some((uuid) => keys.uuids.includes(uuid))
  return keys.serial !== undefined && said.serial === keys.serial && said.product === keys.product
}

function byOwnMac(machine: Machine, facts: Facts, entered: Candidate[]): Identity {
  const keys = identityKeys(facts)
  const weak = whyContradicts(machine, { ...machine.facts, ...facts })
  const others = enteredKeys(keys, entered).filter((claim) => claim.machine !== machine)
  return {
    machine,
    matchedBy: `MAC ${keys.mac}`,
    byMac: true,
    ...(weak !== undefined && { weak: `its MAC fits, but ${weak}` }),
    passedOver: [],
    notices: [
      ...(weak === undefined ? [] : settlingContradiction(machine, facts)),
      ...others.flatMap(({ machine: other, kind, key }) => [
        `${key} was entered for ${nameOf(other)}, and ${nameOf(machine)} reports it`,
        `if it is not that machine's: bootwright machine set ${handleOf(other)} --clear-${kind}`,
      ]),
    ],
  }
}

function whyWeak(machine: Machine, key: string, facts: Facts): string | undefined {
  const contradiction = whyContradicts(machine, facts)
  if (contradiction !== undefined) return `its ${key} fits, but ${contradiction}`
  if (machine.macs.length === 0) return undefined
  const asks =
    facts.mac === undefined ? 'no MAC that Bootwright can read' : `MAC ${facts.mac}, which is none of its own`
  return `only its ${key} fits: it asks with ${asks}`
}

/** The entered value that the facts contradict; a placeholder contradicts nothing. */
function whyContradicts(machine: Machine, facts: Facts): string | undefined {
  const uuid = machine.uuid && parseUuid(machine.uuid)
  const reported = facts.uuid === undefined ? undefined : parseUuid(facts.uuid)
  if (uuid && reported && reported !== uuid && reported !== swapUuid(uuid))
    return `UUID ${uuid} was entered and it reports ${reported}`
  const [serial, other] = [realValue(machine.serial), realValue(facts.serial)]
  if (serial !== undefined && other !== undefined && folded(serial) !== folded(other))
    return `serial ${serial} was entered and it reports ${other}`
  return undefined
}

function folded(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, ' ')
}

function settling(machine: Machine, key: string, facts: Facts): string[] {
  if (whyContradicts(machine, facts) !== undefined) return settlingContradiction(machine, facts)
  const handle = handleOf(machine)
  const field = key.startsWith('UUID') ? 'uuid' : 'serial'
  return [
    ...(facts.mac === undefined
      ? []
      : [`if it is ${nameOf(machine)}: bootwright machine set ${handle} --add-mac ${facts.mac}`]),
    `if it is another machine: bootwright machine set ${handle} --clear-${field}`,
  ]
}

function settlingContradiction(machine: Machine, facts: Facts): string[] {
  const handle = handleOf(machine)
  const uuid = whyContradicts({ ...machine, serial: '' }, { ...machine.facts, ...facts }) !== undefined
  const field = uuid ? 'uuid' : 'serial'
  return [`if it is ${nameOf(machine)} all the same: bootwright machine set ${handle} --clear-${field}`]
}

function sharedNotices({ machine, kind, key, sharers }: Claim & { sharers: string[] }): string[] {
  if (sharers.length === 0) return []
  const handle = handleOf(machine)
  return [
    `${key} was entered for ${nameOf(machine)}, but it is also that of ${sharers.slice(0, 3).join(', ')}: it identifies no machine`,
    `to settle it: bootwright machine set ${handle} --clear-${kind}, or --add-mac with the MAC that is its own`,
  ]
}

/** A machine seen with the same UUID or serial under another MAC is probably this one; of several, none can be told. */
function probableNotices(keys: IdentityKeys, facts: Facts, owner: Candidate | undefined, all: Candidate[]): string[] {
  for (const kind of ['uuid', 'serial'] as const) {
    const others = all.filter((one) => one !== owner && reports(one.machine.facts, kind, keys))
    const key = kind === 'uuid' ? `UUID ${keys.uuids[0]}` : `serial ${keys.serial}`
    const other = others[0]?.machine
    if (other === undefined) continue
    if (others.length > 1) return [`${key} is reported by ${others.length} other machines: it identifies none`]
    if (whyContradicts({ ...other, ...other.facts } as Machine, facts) !== undefined) continue
    const handle = handleOf(other)
    return [
      `probably the same machine as ${nameOf(other)}, which reported the same ${key}`,
      keys.mac === undefined
        ? `if it is: bootwright machine set ${handle} --${kind} ${kind === 'uuid' ? keys.uuids[0] : keys.serial}`
        : `if it is: bootwright machine merge ${handle} --from ${keys.mac}`,
    ]
  }
  return []
}
