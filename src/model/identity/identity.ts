// Identity: which machine a request comes from, and how certain that is. Pure.
import { realValue } from '../../lib/ids/placeholders.ts'
import { parseUuid, swapUuid } from '../../lib/ids/uuid.ts'
import type { Facts } from '../facts.ts'
import { handleOf, type Machine, nameOf } from '../machine.ts'
import {
  type Advice,
  adviceOf,
  changedNotices,
  type Duplicate,
  type EnteredMatch,
  kindName,
  note,
  probableNotices,
  type Sharer,
  settling,
  settlingContradiction,
  sharedNotices,
  step,
} from './advice.ts'
import { isSame, whyContradicts, whyDiffers } from './contradictions.ts'

/** The values by which machines are looked up. A vendor's placeholder for "none" is not a key. */
export type IdentityKeys = { mac?: string; uuids: string[]; serial?: string; product?: string }

/** A machine that a request may come from. `claims` are other requests that matched it without one of its MACs. */
export type Candidate = { machine: Machine; claims: { mac: string; facts: Facts }[] }

/**
 * The machine that a request comes from. `conflict`: the request matches several entered machines. Without a `machine` it
 * comes from an unknown machine.
 */
export type Identity =
  | ({
      machine: Machine
      matchedBy: string
      /** Identified by a MAC of the machine, not only by its UUID or serial. */
      byMac: boolean
      /** Why the identity is uncertain. Then no installation is served. */
      weak?: string
      doubt?: Doubt
      passedOver: string[]
    } & Advice)
  | { conflict: Machine[]; why: string; nextStep: string }
  | Unknown

/** An unknown machine. `claimed` are machines with its UUID or serial, though several machines share that value. */
type Unknown = Advice & { claimed: Machine[]; doubt?: Doubt }

/**
 * Why a request of an unknown or discovered machine may come from an entered machine: both have the same UUID or serial.
 * Then no installation is served.
 */
export type Doubt = { why: string; machines: Machine[] }

/** The keys in the facts that a machine reports. */
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
 * Which of the candidates a request comes from. A MAC that an operator entered identifies its machine. If no entered
 * machine has the MAC, an entered UUID (in either byte order) or serial with product does, unless another machine reports
 * the same value. The identity is weak if the machine has other MACs, or if an entered value contradicts the request.
 * Reported values identify no machine. A discovered machine is identified by the MAC of its first request.
 */
export function identify(facts: Facts, candidates: Candidate[]): Identity {
  const keys = identityKeys(facts)
  const owner = candidates.find(({ machine }) => keys.mac !== undefined && machine.macs.includes(keys.mac))
  const entered = candidates.filter(({ machine }) => !machine.discovered)
  if (owner !== undefined && !owner.machine.discovered) return byOwnMac(owner.machine, keys, facts, entered)

  const found = enteredKeys(keys, entered)
  const claims = found.map((claim) => ({
    ...claim,
    sharers: [...enteredTwice(claim, found), ...sharersOf(claim, keys, candidates)],
  }))
  const notices = claims.flatMap((claim) => sharedNotices(claim, keys.mac))
  const alive = claims.filter(({ sharers }) => sharers.length === 0)
  const first = alive[0]
  if (first === undefined) {
    const duplicates = duplicatesOf(keys, facts, owner, candidates)
    const doubt = doubtOf(claims, duplicates)
    const probable = notices.length > 0 ? [] : probableNotices(keys, duplicates)
    const advice = { ...adviceOf([...notices, ...probable]), ...(doubt !== undefined && { doubt }) }
    if (owner === undefined) return { ...advice, claimed: claims.map(({ machine }) => machine) }
    return { machine: owner.machine, matchedBy: `MAC ${keys.mac}`, byMac: true, passedOver: [], ...advice }
  }
  const claimants = [...new Set(alive.map(({ machine }) => machine))]
  if (claimants.length > 1) {
    const matches = alive.map(({ machine, key }) => `${nameOf(machine)} by ${key}`)
    const steps = alive.map(
      ({ machine, kind }) =>
        `if this is not ${nameOf(machine)}: bootwright machine set ${handleOf(machine)} --clear-${kind}`,
    )
    return { conflict: claimants, why: `several machines match: ${matches.join(', ')}`, nextStep: steps.join('; ') }
  }
  const weak = whyWeak(first.machine, first.key, facts)
  return {
    machine: first.machine,
    matchedBy: first.key,
    byMac: false,
    ...(weak !== undefined && { weak }),
    passedOver:
      owner === undefined ? [] : [`${nameOf(owner.machine)} has the MAC ${keys.mac}, but no operator entered it`],
    ...adviceOf(weak === undefined ? notices : [...notices, ...settling(first.machine, first.key, facts)]),
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

/** The keys that a machine without any must get. */
export const identifiedBy = 'at least one MAC address, or else a UUID, or a serial with a product'

function enteredKeys({ uuids, serial, product }: IdentityKeys, entered: Candidate[]): EnteredMatch[] {
  const machines = entered.map(({ machine }) => machine)
  return [
    ...machines
      .filter(({ uuid }) => uuid !== undefined && uuids.includes(uuid))
      .map((machine) => ({ machine, kind: 'uuid' as const, key: `UUID ${uuids[0]}` })),
    ...machines
      .filter((machine) => isSame(machine.serial, serial) && isSame(machine.product, product))
      .map((machine) => ({ machine, kind: 'serial' as const, key: `serial ${serial}` })),
  ]
}

// Boards of a vendor may share a UUID, and be entered with it. Their MACs distinguish them; other MACs are another machine.
function enteredTwice({ machine, key }: EnteredMatch, claims: EnteredMatch[]): Sharer[] {
  const duplicates = claims.filter((claim) => claim.key === key)
  const others = duplicates.filter((claim) => claim.machine !== machine)
  return duplicates.every((claim) => claim.machine.macs.length > 0)
    ? others.map((claim) => sharerOf(claim.machine))
    : []
}

function sharerOf(machine: Machine): Sharer {
  return { name: nameOf(machine), entered: !machine.discovered, macs: machine.macs }
}

/** The other machines that report the same value. A shared value identifies none of them. */
function sharersOf({ machine, kind }: EnteredMatch, keys: IdentityKeys, candidates: Candidate[]): Sharer[] {
  const records = candidates
    .filter((other) => other.machine !== machine && !(keys.mac !== undefined && other.machine.macs.includes(keys.mac)))
    .filter((other) => reports(other.machine.facts, kind, keys))
    .map((other) => sharerOf(other.machine))
  const claims = candidates
    .filter((candidate) => candidate.machine === machine)
    .flatMap((candidate) => candidate.claims)
  const others = claims.filter(({ mac, facts }) => mac !== (keys.mac ?? '') && reports(facts, kind, keys))
  // A person may look up a UUID without a MAC. The claim of a machine without a MAC is recorded before this check.
  const isLookup = keys.mac === undefined && others.length === 1 && !claims.some(({ mac }) => mac === '')
  const cards = isLookup
    ? []
    : others.map(({ mac }) => ({ name: mac || 'a machine without a MAC', entered: false, macs: mac ? [mac] : [] }))
  return [...new Map([...records, ...cards].map((sharer) => [sharer.name, sharer])).values()]
}

function reports(facts: Facts, kind: 'uuid' | 'serial', keys: IdentityKeys): boolean {
  const reported = identityKeys(facts)
  if (kind === 'uuid') return reported.uuids.some((uuid) => keys.uuids.includes(uuid))
  return isSame(reported.serial, keys.serial) && isSame(reported.product, keys.product)
}

function byOwnMac(machine: Machine, keys: IdentityKeys, facts: Facts, entered: Candidate[]): Identity {
  const contradiction = whyContradicts(machine, latestKeys(machine, facts))
  const found = enteredKeys(keys, entered)
  const others = found.filter((claim) => claim.machine !== machine)
  const own = found.filter((claim) => claim.machine === machine).map(({ kind }) => kind)
  const foreign = others.find((claim) => !own.includes(claim.kind) && isForeign(claim, machine, keys))
  const weak = contradiction ?? (foreign && `${foreign.key} was entered for ${nameOf(foreign.machine)}`)
  return {
    machine,
    matchedBy: `MAC ${keys.mac}`,
    byMac: true,
    ...(weak !== undefined && { weak: `its MAC matches, but ${weak}` }),
    passedOver: [],
    ...adviceOf([
      ...(contradiction === undefined ? changedNotices(machine, facts) : settlingContradiction(machine, facts)),
      ...others.flatMap(({ machine: other, kind, key }) => [
        note(`${key} was entered for ${nameOf(other)}, and ${nameOf(machine)} reports it`),
        step(
          `if it is not the ${kindName(kind)} of ${nameOf(other)}: bootwright machine set ${handleOf(other)} --clear-${kind}`,
        ),
      ]),
    ]),
  }
}

/** The UUID and the serial that a machine reported last. */
function latestKeys({ facts: before }: Machine, { uuid = before.uuid, serial = before.serial }: Facts): Facts {
  return { ...(uuid !== undefined && { uuid }), ...(serial !== undefined && { serial }) }
}

// A network adapter can move to another computer. A value that its machine reported before may be shared by a series of
// boards. But a machine without MACs has no other key.
function isForeign({ machine: other, kind }: EnteredMatch, machine: Machine, keys: IdentityKeys): boolean {
  return other.macs.length === 0 || !reports(machine.facts, kind, keys)
}

function whyWeak(machine: Machine, key: string, facts: Facts): string | undefined {
  const contradiction = whyContradicts(machine, facts)
  if (contradiction !== undefined) return `its ${key} matches, but ${contradiction}`
  if (machine.macs.length === 0) return undefined
  const macFault = facts.mac === undefined ? 'the request has no valid MAC' : `MAC ${facts.mac} is not one of its MACs`
  return `only its ${key} matches: ${macFault}`
}

/** Machines that reported the same UUID or serial, and have no value that contradicts the request. */
function duplicatesOf(keys: IdentityKeys, facts: Facts, owner: Candidate | undefined, all: Candidate[]): Duplicate[] {
  const others = all.filter((candidate) => candidate !== owner).map(({ machine }) => machine)
  const fitting = others.filter(
    (other) => (whyDiffers(other, facts) ?? whyDiffers({ ...other, ...other.facts } as Machine, facts)) === undefined,
  )
  return (['uuid', 'serial'] as const).flatMap((kind) => {
    const key = kind === 'uuid' ? `UUID ${keys.uuids[0]}` : `serial ${keys.serial}`
    return fitting.filter((other) => reports(other.facts, kind, keys)).map((machine) => ({ machine, kind, key }))
  })
}

/** A value that only discovered machines report raises no doubt, because no operator entered them. */
function doubtOf(claims: EnteredMatch[], duplicates: Duplicate[]): Doubt | undefined {
  const entered = duplicates.filter(({ machine }) => !machine.discovered)
  const machines = [...new Set([...claims, ...entered].map(({ machine }) => machine))]
  if (machines.length === 0) return undefined
  const why = [
    ...claims.map(({ machine, key }) => `${key} was entered for ${nameOf(machine)}`),
    ...entered.map(({ machine, key }) => `${nameOf(machine)} reported the same ${key}`),
  ]
  return { why: why.slice(0, 3).join(', '), machines }
}
