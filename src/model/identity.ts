// Identity: which machine a request comes from, and how certain that is.

import { realValue } from '../lib/ids/placeholders.ts'
import { parseUuid, swapUuid } from '../lib/ids/uuid.ts'
import type { Facts } from './facts.ts'
import { handleOf, type Machine, nameOf } from './machine.ts'

/** The keys that machines are looked up by, without placeholder values of vendors. */
export type IdentityKeys = { mac?: string; uuids: string[]; serial?: string; product?: string }

/** A machine that a request may come from, and the claims of other requests identified as it without one of its MACs. */
export type Candidate = { machine: Machine; claims: { mac: string; facts: Facts }[] }

/**
 * The machine that a request was identified as. `conflict`: several entered machines match it. Without a machine the
 * request is from an unknown one.
 */
export type Identity =
  | ({
      machine: Machine
      matchedBy: string
      /** A MAC identified the machine, not only its UUID or serial. */
      byMac: boolean
      /** Why the identity is uncertain. Then nothing that installs is served. */
      weak?: string
      doubt?: Doubt
      passedOver: string[]
    } & Advice)
  | { conflict: Machine[]; why: string; nextStep: string }
  | Nobody

/** For people: what does not fit, and the commands that settle it. `nextStep` is the first of the commands. */
type Advice = { notices: string[]; nextStep?: string }

/**
 * Unidentified. `claimed`: machines whose entered UUID or serial the request has, although that value no longer
 * identifies them.
 */
type Nobody = Advice & { claimed: Machine[]; doubt?: Doubt }

/**
 * Why an unidentified request may still come from entered machines: it has a UUID or serial that was entered for them,
 * or that they reported. Then nothing that installs is served.
 */
export type Doubt = { why: string; machines: Machine[] }

/** The keys among a machine's facts. */
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
  const notices = claims.flatMap((claim) => sharedNotices(claim, keys.mac))
  const alive = claims.filter(({ sharers }) => sharers.length === 0)
  const first = alive[0]
  if (first === undefined) {
    const duplicates = duplicatesOf(keys, facts, owner, candidates)
    const doubt = doubtOf(claims, duplicates)
    const probable = notices.length > 0 ? [] : probableNotices(keys, duplicates)
    const told = { ...adviceOf([...notices, ...probable]), ...(doubt !== undefined && { doubt }) }
    if (owner === undefined) return { ...told, claimed: claims.map(({ machine }) => machine) }
    return { machine: owner.machine, matchedBy: `MAC ${keys.mac}`, byMac: true, passedOver: [], ...told }
  }
  const claimants = [...new Set(alive.map(({ machine }) => machine))]
  if (claimants.length > 1) {
    const said = alive.map(({ machine, key }) => `${nameOf(machine)} by ${key}`)
    const steps = alive.map(
      ({ machine, kind }) =>
        `if this is not ${nameOf(machine)}: bootwright machine set ${handleOf(machine)} --clear-${kind}`,
    )
    return { conflict: claimants, why: `two machines claim it: ${said.join(', ')}`, nextStep: steps.join('; ') }
  }
  const weak = whyWeak(first.machine, first.key, facts)
  return {
    machine: first.machine,
    matchedBy: first.key,
    byMac: false,
    ...(weak !== undefined && { weak }),
    passedOver: owner === undefined ? [] : [`${nameOf(owner.machine)} has the MAC ${keys.mac} but was only discovered`],
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

/** What a machine needs that nothing identifies. */
export const identifiedBy = 'at least one MAC address, or else a UUID, or a serial with a product'

type Notice = { text: string; isStep: boolean }
const note = (text: string): Notice => ({ text, isStep: false })
/** A condition and the command for it. */
const step = (text: string): Notice => ({ text, isStep: true })

function adviceOf(notices: Notice[]): Advice {
  const nextStep = notices.find(({ isStep }) => isStep)?.text
  return { notices: notices.map(({ text }) => text), ...(nextStep !== undefined && { nextStep }) }
}

/** An entered value that a request says too, and the machine that it was entered for. */
type EnteredMatch = { machine: Machine; kind: 'uuid' | 'serial'; key: string }

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

/** Another that has the same value: an entered machine, or one only seen with these MACs. */
type Sharer = { name: string; entered: boolean; macs: string[] }

// Boards of one maker may share a UUID, and be entered with it: their MACs tell them apart, and one that has none of
// them is another.
function enteredTwice({ machine, key }: EnteredMatch, claims: EnteredMatch[]): Sharer[] {
  const duplicates = claims.filter((one) => one.key === key)
  const others = duplicates.filter((one) => one.machine !== machine)
  return duplicates.every((one) => one.machine.macs.length > 0) ? others.map((one) => sharerOf(one.machine)) : []
}

function sharerOf(machine: Machine): Sharer {
  return { name: nameOf(machine), entered: !machine.discovered, macs: machine.macs }
}

/** The other machines that report the same value: then it says nothing about which of them asks. */
function sharersOf({ machine, kind }: EnteredMatch, keys: IdentityKeys, candidates: Candidate[]): Sharer[] {
  const records = candidates
    .filter((one) => one.machine !== machine && !(keys.mac !== undefined && one.machine.macs.includes(keys.mac)))
    .filter((one) => reports(one.machine.facts, kind, keys))
    .map((one) => sharerOf(one.machine))
  const claims = candidates.filter((one) => one.machine === machine).flatMap((one) => one.claims)
  const others = claims.filter(({ mac, facts }) => mac !== (keys.mac ?? '') && reports(facts, kind, keys))
  // A person who asks after a UUID says no MAC. What boots without one is remembered before it is asked who it is.
  const isAfterTheOne = keys.mac === undefined && others.length === 1 && !claims.some(({ mac }) => mac === '')
  const cards = isAfterTheOne
    ? []
    : others.map(({ mac }) => ({ name: mac || 'a machine without a MAC', entered: false, macs: mac ? [mac] : [] }))
  return [...new Map([...records, ...cards].map((one) => [one.name, one])).values()]
}

function reports(facts: Facts, kind: 'uuid' | 'serial', keys: IdentityKeys): boolean {
  const said = identityKeys(facts)
  if (kind === 'uuid') return said.uuids.some((uuid) => keys.uuids.includes(uuid))
  return isSame(said.serial, keys.serial) && isSame(said.product, keys.product)
}

function isSame(text: string | undefined, other: string | undefined): boolean {
  return text !== undefined && other !== undefined && folded(text) === folded(other)
}

function byOwnMac(machine: Machine, facts: Facts, entered: Candidate[]): Identity {
  const keys = identityKeys(facts)
  const contradiction = whyContradicts(machine, { ...machine.facts, ...facts })
  const found = enteredKeys(keys, entered)
  const others = found.filter((claim) => claim.machine !== machine)
  const own = found.filter((claim) => claim.machine === machine).map(({ kind }) => kind)
  const foreign = others.find((claim) => !own.includes(claim.kind) && isForeign(claim, machine, keys))
  const weak = contradiction ?? (foreign && `${foreign.key} was entered for ${nameOf(foreign.machine)}`)
  return {
    machine,
    matchedBy: `MAC ${keys.mac}`,
    byMac: true,
    ...(weak !== undefined && { weak: `its MAC fits, but ${weak}` }),
    passedOver: [],
    ...adviceOf([
      ...(contradiction === undefined ? changedNotices(machine, facts) : settlingContradiction(machine, facts)),
      ...others.flatMap(({ machine: other, kind, key }) => [
        note(`${key} was entered for ${nameOf(other)}, and ${nameOf(machine)} reports it`),
        step(`if it is not that machine's: bootwright machine set ${handleOf(other)} --clear-${kind}`),
      ]),
    ]),
  }
}

// A network adapter can be taken from one computer to another. A value that its machine reported before may be shared by
// a series of boards; but a machine without MACs is known by nothing else.
function isForeign({ machine: other, kind }: EnteredMatch, machine: Machine, keys: IdentityKeys): boolean {
  return other.macs.length === 0 || !reports(machine.facts, kind, keys)
}

function whyWeak(machine: Machine, key: string, facts: Facts): string | undefined {
  const contradiction = whyContradicts(machine, facts)
  if (contradiction !== undefined) return `its ${key} fits, but ${contradiction}`
  if (machine.macs.length === 0) return undefined
  const asks =
    facts.mac === undefined ? 'no MAC that Bootwright can read' : `MAC ${facts.mac}, which is none of its own`
  return `only its ${key} fits: it asks with ${asks}`
}

/**
 * The entered value that the facts contradict. A placeholder contradicts it only where the machine once reported the
 * value.
 */
function whyContradicts(machine: Machine, facts: Facts): string | undefined {
  return whyDiffers(machine, facts) ?? whyLost(machine, facts)
}

function whyLost({ uuid, serial, facts: before }: Machine, facts: Facts): string | undefined {
  const isSame = (a: string | undefined, b: string | undefined) => a !== undefined && (a === b || swapUuid(a) === b)
  const [entered, reported] = [uuid, before.uuid].map((one) => (one === undefined ? undefined : parseUuid(one)))
  if (isSame(entered, reported) && facts.uuid !== undefined && parseUuid(facts.uuid) === undefined)
    return `UUID ${entered} was entered, it reported that before, and now it reports ${facts.uuid}`
  const [own, said] = [realValue(serial), realValue(before.serial)]
  if (own === undefined || said === undefined || folded(own) !== folded(said)) return undefined
  return facts.serial === undefined || realValue(facts.serial) !== undefined
    ? undefined
    : `serial ${own} was entered, it reported that before, and now it reports ${facts.serial}`
}

function whyDiffers(machine: Machine, facts: Facts): string | undefined {
  const uuid = machine.uuid && parseUuid(machine.uuid)
  const reported = facts.uuid === undefined ? undefined : parseUuid(facts.uuid)
  if (uuid && reported && reported !== uuid && reported !== swapUuid(uuid))
    return `UUID ${uuid} was entered and it reports ${reported}`
  const [serial, other] = [realValue(machine.serial), realValue(facts.serial)]
  if (serial !== undefined && other !== undefined && folded(serial) !== folded(other))
    return `serial ${serial} was entered and it reports ${other}`
  return undefined
}

/** A serial or product as it is compared: without regard to capitals, and to how many blanks. */
export function folded(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, ' ')
}

function settling(machine: Machine, key: string, facts: Facts): Notice[] {
  if (whyContradicts(machine, facts) !== undefined) return settlingContradiction(machine, facts)
  const handle = handleOf(machine)
  const field = key.startsWith('UUID') ? 'uuid' : 'serial'
  return [
    facts.mac === undefined
      ? `if it is ${nameOf(machine)}, known by its ${field === 'uuid' ? 'UUID' : 'serial'} alone from now on: bootwright machine set ${machine.id} --remove-mac ${machine.macs.slice(0, 8).join(' --remove-mac ')}`
      : `if it is ${nameOf(machine)}: bootwright machine set ${handle} --add-mac ${facts.mac}`,
    `if it is another machine: bootwright machine set ${handle} --clear-${field}`,
  ].map(step)
}

function settlingContradiction(machine: Machine, facts: Facts): Notice[] {
  const handle = handleOf(machine)
  const uuid = whyContradicts({ ...machine, serial: '' }, { ...machine.facts, ...facts }) !== undefined
  const field = uuid ? 'uuid' : 'serial'
  return [step(`if it is ${nameOf(machine)} all the same: bootwright machine set ${handle} --clear-${field}`)]
}

function sharedNotices(
  { machine, kind, key, sharers }: EnteredMatch & { sharers: Sharer[] },
  mac: string | undefined,
): Notice[] {
  if (sharers.length === 0) return []
  const set = `bootwright machine set ${handleOf(machine)}`
  const seen = sharers.filter(({ entered }) => !entered).flatMap(({ macs }) => macs)
  const cards = [...new Set([...(mac === undefined ? [] : [mac]), ...seen])].slice(0, 4)
  const also = sharers.slice(0, 3).map(({ name }) => name)
  return [
    note(
      `${key} was entered for ${nameOf(machine)}, but it is also that of ${also.join(', ')}: it identifies no machine`,
    ),
    ...(cards.length === 0
      ? []
      : [
          step(
            `if ${cards.join(' and ')} ${cards.length === 1 ? 'is' : 'are'} of ${nameOf(machine)}: ${set} --add-mac ${cards.join(' --add-mac ')}`,
          ),
        ]),
    step(`if other machines have it: ${set} --clear-${kind}`),
  ]
}

type Duplicate = { machine: Machine; kind: 'uuid' | 'serial'; key: string }

/** Machines that reported the same UUID or serial, and were entered with and reported nothing that contradicts. */
function duplicatesOf(keys: IdentityKeys, facts: Facts, owner: Candidate | undefined, all: Candidate[]): Duplicate[] {
  const others = all.filter((one) => one !== owner).map(({ machine }) => machine)
  const fitting = others.filter(
    (other) => (whyDiffers(other, facts) ?? whyDiffers({ ...other, ...other.facts } as Machine, facts)) === undefined,
  )
  return (['uuid', 'serial'] as const).flatMap((kind) => {
    const key = kind === 'uuid' ? `UUID ${keys.uuids[0]}` : `serial ${keys.serial}`
    return fitting.filter((other) => reports(other.facts, kind, keys)).map((machine) => ({ machine, kind, key }))
  })
}

/** Of values that only discovered machines report there is no doubt: nobody has said what any of them is. */
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

/**
 * A machine seen with the same UUID or serial under another MAC is probably the same machine. Of several, none can be
 * identified.
 */
function probableNotices(keys: IdentityKeys, duplicates: Duplicate[]): Notice[] {
  const [first] = duplicates
  if (first === undefined) return []
  const { kind, key } = first
  const others = duplicates.filter((duplicate) => duplicate.kind === kind).map(({ machine }) => machine)
  const entered = others.filter(({ discovered }) => !discovered)
  const settled = (others.length === 1 ? others : entered.slice(0, 2)).map((other) => {
    const handle = handleOf(other)
    return keys.mac === undefined
      ? `if it is ${nameOf(other)}: bootwright machine set ${handle} --${kind} ${kind === 'uuid' ? keys.uuids[0] : keys.serial}`
      : `if it is ${nameOf(other)}: bootwright machine merge ${handle} --from ${keys.mac}`
  })
  return [
    note(
      others.length === 1
        ? `probably the same machine as ${nameOf(first.machine)}, which reported the same ${key}`
        : `${key} is reported by ${others.length} other machines: it identifies none`,
    ),
    ...settled.map(step),
    ...(keys.mac === undefined || entered.length === 0
      ? []
      : [step(`if it is another machine: bootwright machine set ${keys.mac}`)]),
  ]
}

/**
 * A MAC of a machine that now reports another UUID or serial than before may be a network adapter that another computer
 * has.
 */
function changedNotices(machine: Machine, facts: Facts): Notice[] {
  const before = { ...machine, uuid: machine.facts.uuid, serial: machine.facts.serial } as Machine
  const [uuid, reported] = [before.uuid, facts.uuid].map((one) => (one === undefined ? undefined : parseUuid(one)))
  const [serial, other] = [realValue(before.serial), realValue(facts.serial)]
  const changed = [
    ...(uuid && reported && uuid !== reported && uuid !== swapUuid(reported)
      ? [`UUID ${uuid} and now ${reported}`]
      : []),
    ...(serial && other && folded(serial) !== folded(other) ? [`serial ${serial} and now ${other}`] : []),
  ]
  if (changed.length === 0) return []
  return [
    note(`${nameOf(machine)} reported ${changed.join(', ')}: another computer may have its network adapter`),
    step(`if it has: bootwright machine set ${handleOf(machine)} --remove-mac ${facts.mac}`),
  ]
}
