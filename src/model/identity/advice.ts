// What operators read about an uncertain identity: notices, and the commands that settle it. Pure.
import { realValue } from '../../lib/ids/placeholders.ts'
import { isSameUuid, parseUuid } from '../../lib/ids/uuid.ts'
import type { Facts } from '../facts.ts'
import { handleOf, type Machine, nameOf } from '../machine.ts'
import { folded, whyContradicts } from './contradictions.ts'
import type { IdentityKeys } from './identity.ts'

/** For operators: what does not match, and the commands that settle it. `nextStep` is the first command. */
export type Advice = { notices: string[]; nextStep?: string }

/** An entered value that is also in a request, and its machine. */
export type EnteredMatch = { machine: Machine; kind: 'uuid' | 'serial'; key: string }

/** Another machine with the same value: entered, or only seen with these MACs. */
export type Sharer = { name: string; entered: boolean; macs: string[] }

/** A machine that reported the same UUID or serial. */
export type Duplicate = { machine: Machine; kind: 'uuid' | 'serial'; key: string }

export type Notice = { text: string; isStep: boolean }

/** A fact that operators should know. */
export const note = (text: string): Notice => ({ text, isStep: false })
/** A condition and the command for it. */
export const step = (text: string): Notice => ({ text, isStep: true })

export function adviceOf(notices: Notice[]): Advice {
  const nextStep = notices.find(({ isStep }) => isStep)?.text
  return { notices: notices.map(({ text }) => text), ...(nextStep !== undefined && { nextStep }) }
}

export function kindName(kind: 'uuid' | 'serial'): string {
  return kind === 'uuid' ? 'UUID' : 'serial'
}

/** How an operator settles a weak identity. */
export function settling(machine: Machine, key: string, facts: Facts): Notice[] {
  if (whyContradicts(machine, facts) !== undefined) return settlingContradiction(machine, facts)
  const handle = handleOf(machine)
  const field = key.startsWith('UUID') ? 'uuid' : 'serial'
  return [
    facts.mac === undefined
      ? `if this is ${nameOf(machine)}, to identify it only by its ${kindName(field)}: bootwright machine set ${machine.id} --remove-mac ${machine.macs.slice(0, 8).join(' --remove-mac ')}`
      : `if this is ${nameOf(machine)}: bootwright machine set ${handle} --add-mac ${facts.mac}`,
    `if this is another machine: bootwright machine set ${handle} --clear-${field}`,
  ].map(step)
}

/** How an operator settles a contradiction. */
export function settlingContradiction(machine: Machine, facts: Facts): Notice[] {
  const handle = handleOf(machine)
  const uuid = whyContradicts({ ...machine, serial: '' }, { ...machine.facts, ...facts }) !== undefined
  const field = uuid ? 'uuid' : 'serial'
  return [step(`if this is still ${nameOf(machine)}: bootwright machine set ${handle} --clear-${field}`)]
}

/** A value that several machines have. */
export function sharedNotices(
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
      `${key} was entered for ${nameOf(machine)}, but ${also.join(', ')} ${sharers.length === 1 ? 'has' : 'have'} it too, so it identifies no machine`,
    ),
    ...(cards.length === 0
      ? []
      : [
          step(
            `if ${cards.join(' and ')} ${cards.length === 1 ? 'belongs' : 'belong'} to ${nameOf(machine)}: ${set} --add-mac ${cards.join(' --add-mac ')}`,
          ),
        ]),
    step(`if other machines have this ${kindName(kind)}: ${set} --clear-${kind}`),
  ]
}

/** A single machine with the same UUID or serial under another MAC is probably this machine. */
export function probableNotices(keys: IdentityKeys, duplicates: Duplicate[]): Notice[] {
  const [first] = duplicates
  if (first === undefined) return []
  const { kind, key } = first
  const others = duplicates.filter((duplicate) => duplicate.kind === kind).map(({ machine }) => machine)
  const entered = others.filter(({ discovered }) => !discovered)
  const settled = (others.length === 1 ? others : entered.slice(0, 2)).map((other) => {
    const handle = handleOf(other)
    return keys.mac === undefined
      ? `if this is ${nameOf(other)}: bootwright machine set ${handle} --${kind} ${kind === 'uuid' ? keys.uuids[0] : keys.serial}`
      : `if this is ${nameOf(other)}: bootwright machine merge ${handle} --from ${keys.mac}`
  })
  return [
    note(
      others.length === 1
        ? `this is probably ${nameOf(first.machine)}, which reported the same ${key}`
        : `${others.length} other machines report ${key}, so it identifies no machine`,
    ),
    ...settled.map(step),
    ...(keys.mac === undefined || entered.length === 0
      ? []
      : [step(`if this is another machine: bootwright machine set ${keys.mac}`)]),
  ]
}

/** If a machine's MAC reports a new UUID or serial, its network adapter may be in another computer. */
export function changedNotices(machine: Machine, facts: Facts): Notice[] {
  const before = machine.facts
  if (before.uuid === facts.uuid && before.serial === facts.serial) return []
  const [uuid, reported] = [before.uuid, facts.uuid].map((text) => (text === undefined ? undefined : parseUuid(text)))
  const [serial, other] = [realValue(before.serial), realValue(facts.serial)]
  const changed = [
    ...(uuid && reported && !isSameUuid(uuid, reported) ? [`UUID ${reported} instead of ${uuid}`] : []),
    ...(serial && other && folded(serial) !== folded(other) ? [`serial ${other} instead of ${serial}`] : []),
  ]
  if (changed.length === 0) return []
  return [
    note(`${nameOf(machine)} now reports ${changed.join(' and ')}: its network adapter may be in another computer`),
    step(`if the adapter moved: bootwright machine set ${handleOf(machine)} --remove-mac ${facts.mac}`),
  ]
}
