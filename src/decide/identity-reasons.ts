// What a decision says about the identity of a machine: reasons, notices, and why nothing is installed. Pure; called by decision.ts.
import type { Catalog } from '../model/catalog.ts'
import type { Decision, Reason } from '../model/decision.ts'
import type { Facts } from '../model/facts.ts'
import { type Identity, identityKeys } from '../model/identity/identity.ts'
import { type Machine, nameOf } from '../model/machine.ts'

/** An identity without a conflict. */
export type Settled = Exclude<Identity, { conflict: Machine[] }>

/** The machine that a request comes from; undefined if it is unknown. */
export function machineOf(identity: Identity): Machine | undefined {
  return 'machine' in identity ? identity.machine : undefined
}

type Identified = Extract<Identity, { machine: Machine }>

export function identityReasons(identity: Settled): Reason[] {
  const { doubt } = identity
  const doubted = doubt === undefined ? [] : [{ candidate: 'identity', won: false, why: `uncertain: ${doubt.why}` }]
  if (!('machine' in identity))
    return doubt !== undefined
      ? doubted
      : [
          {
            candidate: 'identity',
            won: false,
            why: 'no machine has this MAC, and no entered machine has this UUID or serial',
          },
        ]
  const { machine, matchedBy, weak, passedOver } = identity
  const how = `identified by ${matchedBy}${machine.discovered ? ', discovered but not entered' : ''}`
  return [
    {
      candidate: `machine ${nameOf(machine)}`,
      won: true,
      why: weak === undefined ? how : `${how}, but uncertain: ${weak}`,
    },
    ...passedOver.map((why) => ({ candidate: 'identity', won: false, why })),
    ...doubted,
  ]
}

export function identityNotices(identity: Settled): string[] {
  if (!('machine' in identity) || identity.weak === undefined) return identity.notices
  return [`this may not be ${nameOf(identity.machine)}: ${identity.weak}`, ...identity.notices]
}

export function identitySummary({ matchedBy, byMac, weak }: Identified): NonNullable<Decision['identity']> {
  return { by: matchedBy, byMac, ...(weak !== undefined && { weak }) }
}

export function machineSummary(machine: Machine): NonNullable<Decision['machine']> {
  const { id, discovered, hostname, uuid, serial, product, asset, labels } = machine
  return {
    ...{ id, name: nameOf(machine), discovered },
    ...(hostname !== undefined && { hostname }),
    ...(uuid !== undefined && { uuid }),
    ...(serial !== undefined && { serial }),
    ...(product !== undefined && { product }),
    ...(asset !== undefined && { asset }),
    labels,
  }
}

/** Why the identity is too uncertain to install; undefined if it is certain. */
export function whyUncertain(identity: Settled): { what: string; why: string } | undefined {
  if ('machine' in identity && identity.weak !== undefined)
    return { what: `this may not be ${nameOf(identity.machine)}`, why: identity.weak }
  const { doubt } = identity
  if (doubt?.machines.length === 0) return { what: 'this machine was archived', why: doubt.why }
  return doubt && { what: `this may be ${doubt.machines.slice(0, 3).map(nameOf).join(' or ')}`, why: doubt.why }
}

/**
 * The identity, with a doubt if the machine is not entered and has the MAC or UUID of an archived machine. It is an unknown
 * machine, and nothing is installed on it.
 */
export function doubtArchived(identity: Identity, facts: Facts, { archived }: Pick<Catalog, 'archived'>): Identity {
  if (archived === undefined || archived.size === 0 || 'conflict' in identity || identity.doubt !== undefined)
    return identity
  if ('machine' in identity && !identity.machine.discovered) return identity
  const { mac, uuids } = identityKeys(facts)
  const keys = [...(mac === undefined ? [] : [mac]), ...uuids]
  const key = keys.find((value) => archived.has(value))
  const machine = archived.get(key ?? '')
  if (key === undefined || machine === undefined) return identity
  return {
    ...identity,
    nextStep: `to use it again: bootwright machine restore ${machine.id}; as a new machine: bootwright machine set ${mac ?? 'MAC'}`,
    doubt: { why: `machine ${machine.name} had ${key === mac ? 'MAC' : 'UUID'} ${key} and was archived`, machines: [] },
  }
}
