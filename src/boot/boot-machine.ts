// Boots a machine: records its identity, finds its answer, and opens the boot before the script is sent. Called by script.ts.
import { answerSituation, type MachineAnswer } from '../decide/answer.ts'
import type { Damage } from '../decide/damage.ts'
import { newBootKeys } from '../inventory/boots/open-boot.ts'
import { seenRecordOf } from '../inventory/machines/identity/last-seen.ts'
import { JournalFullError, messageOf } from '../lib/errors.ts'
import { newId } from '../lib/ids/uuid.ts'
import type { Situation } from '../model/decision.ts'
import type { Facts } from '../model/facts.ts'
import type { Choice } from '../model/menu.ts'
import type { BootDeps } from './http/deps.ts'
import type { BootRequest } from './http/request.ts'

/** Answers a machine and opens its boot, `bootId`. For a machine that waits for an image, it is undefined. */
export async function bootMachine(
  deps: BootDeps,
  { ip, base }: BootRequest,
  reported: Facts,
  choice?: Choice,
): Promise<MachineAnswer & { bootId?: string }> {
  // The address of the connection is more reliable than the reported address.
  const facts = { ...reported, ip }
  const situation = await recordIdentity(deps, await findWhole(deps, facts), facts)
  const boot = newBootKeys(deps.sealer.tokenOf)
  const answer = await answerSituation(deps, situation, { base, boot, ...(choice !== undefined && { choice }) })
  const { decision, script, reports } = answer
  await Promise.all(answer.damage.filter(({ isNew }) => isNew).map((damage) => recordDamage(deps, damage)))
  // A waiting machine retries every few seconds, which is not a boot.
  if (decision.spec.kind === 'wait') {
    const seen = seenRecordOf(decision, facts)
    if (seen !== undefined) deps.inventory.journal.note('seen', seen)
    return answer
  }
  if (decision.machine?.discovered !== false && !deps.mayRecord(ip)) {
    deps.log.warn({ mac: facts.mac, ip }, 'boot not recorded: too many new machines from this address')
    return answerSituation(deps, situation, { base })
  }
  const recorded = await deps.inventory.journal.openBoot({
    ...boot,
    facts: situation.facts,
    ip,
    decision,
    script,
    reports,
  })
  return recorded === 'refused' ? withoutRecord(deps, situation, answer, base) : { ...answer, bootId: boot.id }
}

/**
 * The answer for a boot that neither the database nor the journal can record. An installation without a record could be repeated,
 * so it is refused; anything else is served without a token.
 */
async function withoutRecord(
  deps: BootDeps,
  situation: Situation,
  { decision }: MachineAnswer,
  base: string,
): Promise<MachineAnswer> {
  if (decision.deployment !== undefined)
    throw new JournalFullError('the boot server can record neither boots nor reports, so it begins no installation')
  return answerSituation(deps, situation, { base })
}

/** How long a MAC that no machine has waits for the records of earlier boots. */
const settleMs = 3000

/**
 * Looks up a situation. Another card of a machine is known only by the UUID or the serial that the machine reported before. That
 * report may still wait for the database, and without it the settings for strangers could install the machine.
 */
async function findWhole({ inventory }: BootDeps, facts: Facts): Promise<Situation> {
  const situation = await inventory.findSituation(facts)
  const { identity } = situation
  if (('machine' in identity && identity.byMac) || inventory.journal.events.waiting() === 0) return situation
  await inventory.journal.settle(settleMs)
  return inventory.findSituation(facts)
}

/**
 * Records the identity of a request: a conflict of several machines, a MAC with the UUID or serial of another machine, or a
 * new machine. The roster has it at once, and the database later. Returns the situation after that.
 */
async function recordIdentity(deps: BootDeps, situation: Situation, facts: Facts): Promise<Situation> {
  const { inventory, log } = deps
  const { journal } = inventory
  const { identity } = situation
  if ('conflict' in identity) {
    journal.note('conflict', { machines: identity.conflict.map(({ id }) => id), facts })
    return situation
  }
  if (!('machine' in identity)) {
    for (const { id } of identity.claimed) journal.note('claim', { machine_id: id, facts, takesOver: false })
    return discover(deps, situation, facts)
  }
  if (identity.byMac) return situation
  const { machine, weak } = identity
  const isNew = await inventory.recordClaim(machine, facts, { isSure: weak === undefined })
  if (!isNew) return situation
  log.warn({ mac: facts.mac, machine: machine.id, weak }, 'machine identified by its UUID or serial, not by its MAC')
  // If another machine sends the same values now, the two can only be distinguished after this claim is recorded.
  return inventory.findSituation(facts)
}

async function discover(deps: BootDeps, situation: Situation, facts: Facts): Promise<Situation> {
  const { settings, log, inventory, mayRecord } = deps
  const { maxDiscovered: max, maxDiscoveredPerAddress: maxPerAddress } = settings
  const { mac } = facts
  if (mac === undefined || !mayRecord(facts.ip ?? '')) {
    const why = 'unknown machine not recorded: its MAC is missing, or its address has too many new machines'
    log.warn({ mac: facts.mac, ip: facts.ip }, why)
    return situation
  }
  const id = newId()
  inventory.journal.note('discovered', { machine_id: id, facts: { ...facts, mac }, limits: { max, maxPerAddress } })
  log.info({ mac, machine: id }, 'machine discovered')
  return inventory.findSituation(facts)
}

/** Records damage: from now on the file is refused to all machines, and operators see why. */
async function recordDamage({ recordDamage, log }: BootDeps, { sha256, name, kind, damage }: Damage): Promise<void> {
  log.error({ file: name, sha256, damage }, 'stored file is damaged')
  await recordDamage(sha256, { kind, damage }).catch((error: unknown) =>
    log.error({ sha256, error: messageOf(error) }, 'damage was not recorded'),
  )
}
