// Which candidate decides what a machine boots, and why the others did not. Pure; called by answer.ts.
import { type Assignment, formatWanted, mergeAssignments, wantedOf } from '../model/assignment.ts'
import type { Catalog, CatalogGroup, CatalogImage } from '../model/catalog.ts'
import { type BootSpec, type Chosen, type Decision, type Reason, refusal, type Situation } from '../model/decision.ts'
import { type LatestDeployment, whySpent } from '../model/deployment.ts'
import { type KnownTarget, targetOf } from '../model/facts.ts'
import { formatPin, isPast, type Variant } from '../model/image.ts'
import { handleOf, type Machine, nameOf } from '../model/machine.ts'
import type { Choice, MenuEntry } from '../model/menu.ts'
import { formatPolicy, type Policy } from '../model/policy.ts'
import { specFor } from './boot-spec.ts'
import { isInstalling, refuseUnarmedInstall } from './every-boot.ts'
import { groupReasons, matchingGroups } from './group-match.ts'
import {
  doubtArchived,
  identityNotices,
  identityReasons,
  identitySummary,
  machineOf,
  machineSummary,
  type Settled,
  whyUncertain,
} from './identity-reasons.ts'
import { visibleEntries } from './menu-choice.ts'

/** `variant` is the booted variant of the image, and undefined when the decision boots no image. */
export type Decided = { decision: Decision; variant?: Variant }

/**
 * Decides what a machine boots. The first rule that applies decides: a refusal of the machine, an entry chosen from a menu,
 * an active deployment, the machine's assignment, the groups that match, the policy. Then the image's variant is chosen.
 * Pure: the same situation gives the same decision.
 */
export function decide(situation: Situation, choice?: Choice): Decided {
  const { facts, deployment, catalog, today, asOf } = situation
  const identity = doubtArchived(situation.identity, facts, catalog)
  const machine = machineOf(identity)
  const target = targetOf(facts, machine?.facts)
  const reasons: Reason[] = []
  const notices: string[] = asOf === undefined ? [] : [withoutDatabase(asOf)]
  const common = {
    target,
    groups: [],
    params: {},
    notices,
    reasons,
    ...(machine && { machine: machineSummary(machine) }),
    ...(asOf !== undefined && { asOf: asOf.toISOString() }),
  }

  if ('conflict' in identity) {
    reasons.push({ candidate: 'identity', won: true, why: identity.why })
    return { decision: { ...common, spec: refusal('BW-CONFLICT', identity.why, identity.nextStep) } }
  }
  reasons.push(...identityReasons(identity))
  notices.push(...identityNotices(identity))
  const weak = 'machine' in identity ? identity.weak : undefined
  const { doubt } = identity
  const identified = {
    ...common,
    ...('machine' in identity && { identity: identitySummary(identity) }),
    ...(doubt !== undefined && { doubt: doubt.why }),
  }
  const denied = machine?.denied ? machine : doubt?.machines.find((machine) => machine.denied)
  if (denied !== undefined) {
    const why =
      denied === machine ? 'the machine is denied' : `this may be ${nameOf(denied)}, which is denied: ${doubt?.why}`
    reasons.push({ candidate: 'denied', won: true, why })
    const shortReason = denied === machine ? `machine ${nameOf(denied)} is denied` : why
    return {
      decision: {
        ...identified,
        spec: refusal('BW-DENIED', shortReason, `to allow it: bootwright machine set ${handleOf(denied)} --allow`),
      },
    }
  }

  const groups = matchingGroups(catalog, machine, facts, target)
  const active = judgeDeployment(deployment, weak, reasons, notices)
  const entry = choice && findChosenEntry(catalog, choice, target, reasons)
  if (entry === null) {
    const reason = `menu ${choice?.menu} has no entry ${choice?.entry} for this machine`
    return {
      decision: {
        ...identified,
        spec: refusal('BW-MENU', reason, `to see the menu: bootwright menu show ${choice?.menu}`),
      },
    }
  }
  const chosen = findChosenBoot(active, machine, groups, catalog.policy, entry, reasons)
  const merged = mergeAssignments([
    ...groups.map((group) => group.assignment).reverse(),
    machine?.assignment ?? {},
    ...(active && entry === undefined ? [active.assignment] : []),
    ...(entry?.kind === 'image' ? [entry] : []),
  ])
  const served = entry === undefined ? active : undefined
  const first = specFor(chosen, merged, catalog, target, reasons, notices, (weak ?? doubt) !== undefined)
  const continues = served !== undefined && continuesFromDisk(served, first.spec)
  if (continues) notices.push(...continuation(served, machine, reasons))
  const deploys = continues ? undefined : served
  const found = continues ? specFor({ kind: 'local' }, merged, catalog, target, reasons) : first
  const chooser = entry ?? (active ? merged : chooserOf(machine, groups))
  const together = 'answerFile' in chooser && chooser.answerFile !== undefined
  const allowed = deploys !== undefined || entry !== undefined || (chosen.kind === 'image' && chosen.everyBoot === true)
  const { variant, ...specified } = found
  const spec = guarded(specified, allowed, identity, isInstalling(specified, catalog, together), reasons)
  notices.push(...endOfLifeNotices(found.image && catalog.images.get(found.image.name), today))
  const decision: Decision = {
    ...identified,
    groups: groups.map((group) => group.name).reverse(),
    params: merged.params,
    ...(deploys && { deployment: attemptOf(deploys) }),
    ...specified,
    spec,
  }
  return variant === undefined || spec.kind === 'refusal' ? { decision } : { decision, variant }
}

// Windows Setup restarts before it ends, and only the disk can report its end (docs/decisions/003-deciding-and-installing-once.md).
function continuesFromDisk({ attempts }: LatestDeployment, spec: BootSpec): boolean {
  return attempts > 0 && spec.kind === 'wimboot'
}

function continuation({ id, image }: LatestDeployment, machine: Machine | undefined, reasons: Reason[]): string[] {
  const why = `the installation of ${image} continues from the local disk: Windows Setup restarts before it ends`
  reasons.push({ candidate: `deployment ${id}`, won: true, why })
  const handle = machine === undefined ? 'MAC' : handleOf(machine)
  return [why, `to start again: bootwright deployment arm ${handle} --image ${image} --replace`]
}

/** The assignment that decides what is booted, if neither a deployment nor a menu decides. */
function chooserOf(machine: Machine | undefined, groups: CatalogGroup[]): Assignment {
  const all = [machine?.assignment ?? {}, ...groups.map(({ assignment }) => assignment)]
  return all.find((assignment) => wantedOf(assignment) !== undefined) ?? {}
}

function findChosenBoot(
  active: LatestDeployment | undefined,
  machine: Machine | undefined,
  groups: CatalogGroup[],
  policy: Policy,
  entry: MenuEntry | undefined,
  reasons: Reason[],
): Chosen {
  let winner = entry === undefined ? undefined : `entry ${entry.name} was chosen from the menu`
  let chosen: Chosen | undefined = entry && chosenByEntry(entry)
  if (active !== undefined) {
    const candidate = `deployment ${active.id}`
    const why = `installs ${active.image}, attempt ${active.attempts + 1} of ${active.maxAttempts}`
    reasons.push({ candidate, won: winner === undefined, why: winner ?? why })
    winner ??= `deployment ${active.id} is active`
    chosen ??= { kind: 'image', name: active.image, version: active.version ?? undefined }
  }
  const own = wantedOf(machine?.assignment ?? {})
  if (own === undefined) {
    const why = machine === undefined ? 'the machine is unknown' : 'the machine has no assignment of its own'
    reasons.push({ candidate: 'assignment', won: false, why })
  } else {
    reasons.push({
      candidate: 'assignment',
      won: winner === undefined,
      why: winner ?? `the machine is assigned ${formatWanted(own)}`,
    })
    winner ??= 'the machine has an assignment of its own'
    chosen ??= own
  }
  const first = groups.find((group) => wantedOf(group.assignment) !== undefined)
  reasons.push(...groupReasons(groups, winner === undefined ? first : undefined, winner))
  if (first !== undefined) {
    winner ??= `group ${first.name} decides`
    chosen ??= wantedOf(first.assignment)
  }
  const pin = policy.kind === 'image' ? formatPin(policy.version) : ''
  const why = winner ?? `no other rule decides what this machine boots${pin}`
  reasons.push({ candidate: `policy ${formatPolicy(policy)}`, won: winner === undefined, why })
  return chosen ?? chosenByPolicy(policy)
}

function chosenByPolicy(policy: Policy): Chosen {
  if (policy.kind === 'image')
    return { kind: 'image', name: policy.image, version: policy.version, everyBoot: policy.everyBoot }
  return policy.kind === 'menu' ? { kind: 'menu', name: policy.menu } : policy
}

function chosenByEntry(entry: MenuEntry): Chosen {
  if (entry.kind === 'image') return { kind: 'image', name: entry.image, version: entry.version }
  return entry.kind === 'menu' ? { kind: 'menu', name: entry.menu } : { kind: entry.kind }
}

/** Null when the menu has no such entry for the machine. */
function findChosenEntry(
  catalog: Catalog,
  { menu, entry: name }: Choice,
  target: KnownTarget,
  reasons: Reason[],
): MenuEntry | null {
  const visible = visibleEntries(catalog.menus.get(menu), catalog, target)
  const entry = visible.entries.find((candidate) => candidate.name === name)
  reasons.push({
    candidate: `entry ${name} of menu ${menu}`,
    won: entry !== undefined,
    why: entry === undefined ? 'the menu has no such entry for this machine' : whyChosen(entry),
  })
  return entry ?? null
}

function whyChosen(entry: MenuEntry): string {
  return `a person chose it at the machine${entry.kind === 'image' ? formatPin(entry.version) : ''}`
}

/** The deployment if its image is to be served. Otherwise the reasons and the notices get why not. */
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
    const why = `the installation of ${image} failed: ${gaveUp ?? reason ?? 'unknown reason'}`
    notices.push(why)
    reasons.push({ candidate, won: false, why })
    return undefined
  }
  if (state === 'installed' || state === 'cancelled') {
    reasons.push({
      candidate,
      won: false,
      why: state === 'installed' ? `${image} is installed` : `the installation of ${image} was cancelled`,
    })
    return undefined
  }
  if (weak !== undefined) {
    const why = `the installation of ${image} does not start, because it is uncertain which machine this is`
    notices.push(why)
    reasons.push({ candidate, won: false, why: `${why}: ${weak}` })
    return undefined
  }
  return deployment
}

/** The spec, or a refusal: of an uncertain machine, or of an image that would install without `everyBoot`. */
function guarded(
  found: Pick<Decision, 'spec' | 'image' | 'answerFile'>,
  allowed: boolean,
  identity: Settled,
  installs: boolean,
  reasons: Reason[],
): BootSpec {
  const { spec } = found
  const candidate = `image ${found.image?.name}`
  const uncertain = whyUncertain(identity)
  if (uncertain !== undefined && (installs || isNetworkDisk(spec))) {
    const why = `${candidate} ${installs ? 'installs' : 'is a network disk'}, and ${uncertain.what}`
    reasons.push({ candidate, won: false, why: `${why}: ${uncertain.why}` })
    return refusal('BW-IDENTITY', why, identity.nextStep ?? 'to see why: bootwright explain MAC')
  }
  if (!installs || allowed) return spec
  const refused = refuseUnarmedInstall(found, 'machine' in identity ? handleOf(identity.machine) : 'MAC')
  if (refused.kind === 'refusal') reasons.push({ candidate, won: false, why: refused.reason })
  return refused
}

/** A network disk belongs to one machine. If two machines write to it, they destroy its data. */
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

function withoutDatabase(asOf: Date): string {
  return `decided without the database, as of ${asOf.toISOString().slice(11, 19)} UTC`
}
