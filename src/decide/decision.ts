// Which candidate decides what a machine boots, and why the others did not. Pure; called by answer.ts.
import { type Assignment, formatWanted, mergeAssignments, wantedOf } from '../model/assignment.ts'
import type { Catalog, CatalogGroup, CatalogImage } from '../model/catalog.ts'
import { type BootSpec, type Chosen, type Decision, type Reason, refusal, type Situation } from '../model/decision.ts'
import { type LatestDeployment, whySpent } from '../model/deployment.ts'
import { type KnownTarget, targetOf } from '../model/facts.ts'
import type { Identity } from '../model/identity.ts'
import type { Variant } from '../model/image.ts'
import { isPast } from '../model/image.ts'
import { handleOf, type Machine, nameOf } from '../model/machine.ts'
import type { Choice, MenuEntry } from '../model/menu.ts'
import { formatPolicy, type Policy } from '../model/policy.ts'
import { specFor } from './boot-spec.ts'
import { isInstalling, unsaidInstall } from './every-boot.ts'
import { groupReasons, matchingGroups } from './group-match.ts'
import { visibleEntries } from './menu-choice.ts'

/** `variant`: of the image that is booted; undefined when the decision boots no image. */
export type Decided = { decision: Decision; variant?: Variant }

/**
 * Decides what a machine boots. The first that applies: a refusal of the machine, a chosen menu entry, an active
 * deployment, its own assignment, the matching groups, the policy. Then the matching variant of the image. Pure: the
 * same situation gives the same decision.
 */
export function decide(situation: Situation, choice?: Choice): Decided {
  const { facts, identity, deployment, catalog, today } = situation
  const machine = machineOf(identity)
  const target = targetOf(facts, machine?.facts)
  const reasons: Reason[] = []
  const notices: string[] = []
  const common = { target, groups: [], params: {}, notices, reasons, ...(machine && { machine: summary(machine) }) }

  if ('conflict' in identity) {
    reasons.push({ candidate: 'identity', won: true, why: identity.why })
    return { decision: { ...common, spec: refusal(identity.why, identity.nextStep) } }
  }
  reasons.push(...identityReasons(identity))
  notices.push(...identityNotices(identity))
  const weak = 'machine' in identity ? identity.weak : undefined
  const { doubt } = identity
  const known = {
    ...common,
    ...('machine' in identity && { identity: knownBy(identity) }),
    ...(doubt !== undefined && { doubt: doubt.why }),
  }
  const denied = machine?.denied ? machine : doubt?.machines.find((one) => one.denied)
  if (denied !== undefined) {
    const why =
      denied === machine ? 'the machine is denied' : `${nameOf(denied)} is denied, and it may be that: ${doubt?.why}`
    reasons.push({ candidate: 'denied', won: true, why })
    const said = denied === machine ? `machine ${nameOf(denied)} is denied` : why
    return {
      decision: { ...known, spec: refusal(said, `to allow it: bootwright machine set ${handleOf(denied)} --allow`) },
    }
  }

  const groups = matchingGroups(catalog, machine, facts, target)
  const active = judgeDeployment(deployment, weak, reasons, notices)
  const entry = choice && findChosen(catalog, choice, target, reasons)
  if (entry === null) {
    const reason = `menu ${choice?.menu} has no entry ${choice?.entry} for this machine`
    return { decision: { ...known, spec: refusal(reason, `to see the menu: bootwright menu show ${choice?.menu}`) } }
  }
  const wanted = findWanted(active, machine, groups, catalog.policy, entry, reasons)
  const merged = mergeAssignments([
    ...groups.map((group) => group.assignment).reverse(),
    machine?.assignment ?? {},
    ...(active && entry === undefined ? [active.assignment] : []),
    ...(entry?.kind === 'image' ? [entry] : []),
  ])
  const served = entry === undefined ? active : undefined
  const first = specFor(wanted, merged, catalog, target, reasons, notices, (weak ?? doubt) !== undefined)
  const goesOn = served !== undefined && goesOnFromDisk(served, first.spec)
  if (goesOn) notices.push(...goingOn(served, machine, reasons))
  const deploys = goesOn ? undefined : served
  const found = goesOn ? specFor({ kind: 'local' }, merged, catalog, target, reasons) : first
  const chooser = entry ?? (active ? merged : chooserOf(machine, groups))
  const together = 'answerFile' in chooser && chooser.answerFile !== undefined
  const said = deploys !== undefined || entry !== undefined || (wanted.kind === 'image' && wanted.everyBoot === true)
  const { variant, ...specified } = found
  const spec = guarded(specified, said, identity, isInstalling(specified, catalog, together), reasons)
  notices.push(...endOfLifeNotices(found.image && catalog.images.get(found.image.name), today))
  const decision: Decision = {
    ...known,
    groups: groups.map((group) => group.name).reverse(),
    params: merged.params,
    ...(deploys && { deployment: attemptOf(deploys) }),
    ...specified,
    spec,
  }
  return variant === undefined || spec.kind === 'refusal' ? { decision } : { decision, variant }
}

// Windows Setup restarts before it ends, and only the disk can report its end
// (docs/decisions/003-deciding-and-installing-once.md).
function goesOnFromDisk({ attempts }: LatestDeployment, spec: BootSpec): boolean {
  return attempts > 0 && spec.kind === 'wimboot'
}

function goingOn({ id, image }: LatestDeployment, machine: Machine | undefined, reasons: Reason[]): string[] {
  const why = `the installation of ${image} continues from the local disk: Windows Setup restarts before it ends`
  reasons.push({ candidate: `deployment ${id}`, won: true, why })
  const handle = machine === undefined ? 'MAC' : handleOf(machine)
  return [why, `to start again: bootwright deployment arm ${handle} --image ${image} --replace`]
}

/** The assignment that says what is booted, where neither a deployment nor a menu does. */
function chooserOf(machine: Machine | undefined, groups: CatalogGroup[]): Assignment {
  const all = [machine?.assignment ?? {}, ...groups.map(({ assignment }) => assignment)]
  return all.find((one) => wantedOf(one) !== undefined) ?? {}
}

function findWanted(
  active: LatestDeployment | undefined,
  machine: Machine | undefined,
  groups: CatalogGroup[],
  policy: Policy,
  entry: MenuEntry | undefined,
  reasons: Reason[],
): Chosen {
  let winner = entry === undefined ? undefined : `entry ${entry.name} was chosen from the menu`
  let wanted: Chosen | undefined = entry && wantedByEntry(entry)
  if (active !== undefined) {
    const candidate = `deployment ${active.id}`
    const why = `it installs ${active.image}, attempt ${active.attempts + 1} of ${active.maxAttempts}`
    reasons.push({ candidate, won: winner === undefined, why: winner ?? why })
    winner ??= `deployment ${active.id} is active`
    wanted ??= { kind: 'image', name: active.image }
  }
  const own = wantedOf(machine?.assignment ?? {})
  if (own === undefined) {
    const why = machine === undefined ? 'there is no such machine' : 'the machine has none of its own'
    reasons.push({ candidate: 'assignment', won: false, why })
  } else {
    reasons.push({
      candidate: 'assignment',
      won: winner === undefined,
      why: winner ?? `the machine is assigned ${formatWanted(own)}`,
    })
    winner ??= 'the machine has an assignment of its own'
    wanted ??= own
  }
  const first = groups.find((group) => wantedOf(group.assignment) !== undefined)
  reasons.push(...groupReasons(groups, winner === undefined ? first : undefined, winner))
  if (first !== undefined) {
    winner ??= `group ${first.name} decides`
    wanted ??= wantedOf(first.assignment)
  }
  const why = winner ?? 'nothing else says what this machine boots'
  reasons.push({ candidate: `policy ${formatPolicy(policy)}`, won: winner === undefined, why })
  return wanted ?? wantedByPolicy(policy)
}

function wantedByPolicy(policy: Policy): Chosen {
  if (policy.kind === 'image') return { kind: 'image', name: policy.image, everyBoot: policy.everyBoot }
  return policy.kind === 'menu' ? { kind: 'menu', name: policy.menu } : policy
}

function wantedByEntry(entry: MenuEntry): Chosen {
  if (entry.kind === 'image') return { kind: 'image', name: entry.image }
  return entry.kind === 'menu' ? { kind: 'menu', name: entry.menu } : { kind: entry.kind }
}

/** Null when the menu has no such entry for the machine. */
function findChosen(
  catalog: Catalog,
  { menu, entry: name }: Choice,
  target: KnownTarget,
  reasons: Reason[],
): MenuEntry | null {
  const visible = visibleEntries(catalog.menus.get(menu), catalog, target)
  const entry = visible.entries.find((one) => one.name === name)
  reasons.push({
    candidate: `entry ${name} of menu ${menu}`,
    won: entry !== undefined,
    why: entry === undefined ? 'the menu has no such entry for this machine' : 'it was chosen at the machine',
  })
  return entry ?? null
}

/** The deployment when it is to be served; what else there is to say of it goes to the reasons and the notices. */
function judgeDeployment(
  deployment: LatestDeployment | undefined,
  weak: string | undefined,
  reasons: Reason[],
  notices: string[],
): LatestDeployment | undefined {
  if (deployment === undefined) return undefined
  const { id, image, state, reason } = deployment
  const candidate = `deployment ${id}`
  const gaveUp = whySpent(deployment)
  if (state === 'failed' || gaveUp !== undefined) {
    const why = `the installation of ${image} failed: ${gaveUp ?? reason ?? 'no reason is known'}`
    notices.push(why)
    reasons.push({ candidate, won: false, why })
    return undefined
  }
  if (state === 'installed' || state === 'cancelled') {
    reasons.push({ candidate, won: false, why: `${image} ${state === 'installed' ? 'is installed' : 'was cancelled'}` })
    return undefined
  }
  if (weak !== undefined) {
    const why = `the installation of ${image} is not served, as it is not certain which machine this is`
    notices.push(why)
    reasons.push({ candidate, won: false, why: `${why}: ${weak}` })
    return undefined
  }
  return deployment
}

/** What takes the place of an image that may not be booted: the machine is uncertain, or nobody said "every boot". */
function guarded(
  found: Pick<Decision, 'spec' | 'image' | 'answerFile'>,
  said: boolean,
  identity: Exclude<Identity, { conflict: Machine[] }>,
  installs: boolean,
  reasons: Reason[],
): BootSpec {
  const { spec } = found
  const candidate = `image ${found.image?.name}`
  const uncertain = whyUncertain(identity)
  if (uncertain !== undefined && (installs || isNetworkDisk(spec))) {
    const why = `${candidate} ${installs ? 'installs' : 'is a network disk'}, and ${uncertain.what}`
    reasons.push({ candidate, won: false, why: `${why}: ${uncertain.why}` })
    return refusal(why, identity.nextStep ?? 'to see why: bootwright explain MAC')
  }
  if (!installs || said) return spec
  const refused = unsaidInstall(found, 'machine' in identity ? handleOf(identity.machine) : 'MAC')
  if (refused.kind === 'refusal') reasons.push({ candidate, won: false, why: refused.reason })
  return refused
}

function whyUncertain(identity: Exclude<Identity, { conflict: Machine[] }>): { what: string; why: string } | undefined {
  if ('machine' in identity && identity.weak !== undefined)
    return { what: `it is not certain that this is ${nameOf(identity.machine)}`, why: identity.weak }
  const { doubt } = identity
  return doubt && { what: `this may be ${doubt.machines.slice(0, 3).map(nameOf).join(' or ')}`, why: doubt.why }
}

/** A disk of a storage network is that of one machine, and opens with its password: two that write to it destroy it. */
function isNetworkDisk(spec: BootSpec): boolean {
  return spec.kind === 'sanboot' && 'target' in spec
}

function attemptOf({ id, attempts, maxAttempts }: LatestDeployment) {
  return { id, attempt: attempts + 1, maxAttempts }
}

function endOfLifeNotices(image: CatalogImage | undefined, today: string): string[] {
  if (image === undefined || !isPast(image.endOfLife, today)) return []
  return [`image ${image.name} reached end of life on ${image.endOfLife} and no longer receives security updates`]
}

/** The machine that a request was identified as. */
export function machineOf(identity: Identity): Machine | undefined {
  return 'machine' in identity ? identity.machine : undefined
}

type Known = Extract<Identity, { machine: Machine }>

function identityReasons(identity: Exclude<Identity, { conflict: Machine[] }>): Reason[] {
  const { doubt } = identity
  const doubted =
    doubt === undefined ? [] : [{ candidate: 'identity', won: false, why: `not for certain: ${doubt.why}` }]
  if (!('machine' in identity))
    return doubt !== undefined
      ? doubted
      : [
          {
            candidate: 'identity',
            won: false,
            why: 'no machine has its MAC, and none was entered with its UUID or serial',
          },
        ]
  const { machine, matchedBy, weak, passedOver } = identity
  const how = `known by ${matchedBy}${machine.discovered ? ', only discovered so far' : ''}`
  return [
    {
      candidate: `machine ${nameOf(machine)}`,
      won: true,
      why: weak === undefined ? how : `${how}, but not for certain: ${weak}`,
    },
    ...passedOver.map((why) => ({ candidate: 'identity', won: false, why })),
    ...doubted,
  ]
}

function identityNotices(identity: Exclude<Identity, { conflict: Machine[] }>): string[] {
  if (!('machine' in identity) || identity.weak === undefined) return identity.notices
  return [`it is not certain that this is ${nameOf(identity.machine)}: ${identity.weak}`, ...identity.notices]
}

function knownBy({ matchedBy, byMac, weak }: Known): NonNullable<Decision['identity']> {
  return { by: matchedBy, byMac, ...(weak !== undefined && { weak }) }
}

function summary(machine: Machine): NonNullable<Decision['machine']> {
  const { id, discovered, hostname, uuid, serial, product, asset, labels } = machine
  const entered = Object.entries({ hostname, uuid, serial, product, asset }).filter(([, value]) => value !== undefined)
  return { id, name: nameOf(machine), discovered, ...Object.fromEntries(entered), labels }
}
