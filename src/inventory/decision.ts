import { formatTarget } from '../arch.ts'
import type { Db } from '../db/open.ts'
import { type Facts, type KnownTarget, targetOf } from './facts.ts'
import { type Identity, identify, identityKeys, nameOf } from './identity.ts'
import { type FileRef, findImage, findVariant, type Image } from './images.ts'
import { findCandidates, type Machine } from './machines.ts'
import { findPolicy, type Policy } from './policy.ts'

/** What to do now. */
export type BootSpec =
  | { kind: 'linux'; kernel: FileRef; initrds: FileRef[]; args: string[] }
  | { kind: 'efi'; file: FileRef; args: string[] }
  | { kind: 'ipxe'; file: FileRef }
  | { kind: 'local' }
  | { kind: 'wait' }
  | { kind: 'refusal'; reason: string; nextStep: string }

/** One thing that could have decided, and why it did or did not. */
export type Reason = { candidate: string; won: boolean; why: string }

/** What a machine boots, and why. */
export type Decision = {
  target: KnownTarget
  machine?: { id: string; name: string; discovered: boolean; hostname?: string; labels: Record<string, string> }
  image?: { name: string; version: number }
  spec: BootSpec
  reasons: Reason[]
}

/** Everything that a decision depends on. */
export type Situation = {
  facts: Facts
  identity: Identity
  policy: Policy
  /** The image that the machine or the policy names; undefined when there is none of that name. */
  image: Image | undefined
}

/** Looks up what the decision depends on. Reads only: a preview and a boot ask the same. */
export async function findSituation(db: Db, facts: Facts): Promise<Situation> {
  const keys = identityKeys(facts)
  const [candidates, policy] = await Promise.all([findCandidates(db, keys), findPolicy(db)])
  const identity = identify(keys, candidates)
  const name = imageNamed(machineOf(identity), policy)
  return { facts, identity, policy, image: name === undefined ? undefined : await findImage(db, name) }
}

/**
 * What a machine boots: the first that applies of a refusal for the machine itself, its own assignment, and the policy
 * for the rest; then the image's variant that fits. Pure: the same situation gives the same decision.
 */
export function decide({ facts, identity, policy, image }: Situation): Decision {
  const machine = machineOf(identity)
  const target = targetOf(facts, machine?.facts)
  const reasons: Reason[] = []
  const common = { target, ...(machine && { machine: summary(machine) }), reasons }

  if (identity !== undefined && 'conflict' in identity) {
    reasons.push({ candidate: 'identity', won: true, why: identity.why })
    return { ...common, spec: refusal(identity.why, 'remove the MAC, UUID or serial from the machine that it is not') }
  }
  reasons.push(identityReason(machine, identity), ...passedOver(identity))
  if (machine?.denied) {
    reasons.push({ candidate: 'denied', won: true, why: 'the machine is denied' })
    return { ...common, spec: refusal(`machine ${nameOf(machine)} is denied`, 'set denied to false if it may boot') }
  }

  const own = machine?.assignment?.image
  if (own !== undefined) {
    reasons.push({ candidate: 'assignment', won: true, why: `the machine is assigned image ${own}` })
    reasons.push({
      candidate: `policy ${formatPolicy(policy)}`,
      won: false,
      why: 'only for machines without an assignment',
    })
  } else {
    reasons.push({
      candidate: 'assignment',
      won: false,
      why: machine === undefined ? 'there is no such machine' : 'the machine has none',
    })
    reasons.push({
      candidate: `policy ${formatPolicy(policy)}`,
      won: true,
      why: 'it is for machines without an assignment',
    })
    if (policy.kind !== 'image') return { ...common, spec: { kind: policy.kind } }
  }
  return {
    ...common,
    ...imageSpec(own ?? (policy as { image: string }).image, image, target, machine?.assignment?.args ?? [], reasons),
  }
}

/** For people: `local`, `wait`, `image debian-12`. */
export function formatPolicy(policy: Policy): string {
  return policy.kind === 'image' ? `image ${policy.image}` : policy.kind
}

function imageSpec(
  name: string,
  image: Image | undefined,
  target: KnownTarget,
  extraArgs: string[],
  reasons: Reason[],
): Pick<Decision, 'image' | 'spec'> {
  if (image === undefined) {
    reasons.push({ candidate: `image ${name}`, won: false, why: 'there is no such image' })
    return { spec: refusal(`there is no image ${name}`, 'add it, or assign another') }
  }
  const named = { image: { name: image.name, version: image.version } }
  const variant = findVariant(image.variants, target)
  if (variant === undefined) {
    const wanted = formatTarget(target)
    const there = image.variants.map((one) => `${one.arch} ${one.platform ?? 'any platform'}`).join(', ') || 'none'
    reasons.push({ candidate: `image ${name}`, won: false, why: `no variant for ${wanted}; it has ${there}` })
    return {
      ...named,
      spec: refusal(`image ${name} has no variant for ${wanted}`, `it has ${there}: add one, or assign another image`),
    }
  }
  const assumed = target.assumed.length > 0 ? `, assuming ${target.assumed.join(' and ')}` : ''
  const fits = `${variant.arch} ${variant.platform ?? 'any platform'}`
  reasons.push({
    candidate: `variant ${fits} of ${name} version ${image.version}`,
    won: true,
    why: `it fits ${formatTarget(target)}${assumed}`,
  })
  const { arch: _, platform: __, ...spec } = variant
  return { ...named, spec: 'args' in spec ? { ...spec, args: [...spec.args, ...extraArgs] } : spec }
}

function imageNamed(machine: Machine | undefined, policy: Policy): string | undefined {
  return machine?.assignment?.image ?? (policy.kind === 'image' ? policy.image : undefined)
}

function machineOf(identity: Identity): Machine | undefined {
  return identity !== undefined && 'machine' in identity ? identity.machine : undefined
}

function identityReason(machine: Machine | undefined, identity: Identity): Reason {
  if (machine === undefined || identity === undefined || 'conflict' in identity) {
    return { candidate: 'identity', won: false, why: 'no machine has its MAC, UUID or serial' }
  }
  return {
    candidate: `machine ${nameOf(machine)}`,
    won: true,
    why: `known by ${identity.matchedBy}${machine.discovered ? ', only discovered so far' : ''}`,
  }
}

function passedOver(identity: Identity): Reason[] {
  if (identity === undefined || 'conflict' in identity) return []
  return identity.passedOver.map((why) => ({ candidate: 'identity', won: false, why }))
}

function summary(machine: Machine): NonNullable<Decision['machine']> {
  const { id, discovered, hostname, labels } = machine
  return { id, name: nameOf(machine), discovered, ...(hostname !== undefined && { hostname }), labels }
}

function refusal(reason: string, nextStep: string): BootSpec {
  return { kind: 'refusal', reason, nextStep }
}
