// A machine asks for its script for real: who asks is recorded, the answer is found, and the boot is opened before the
// script is sent. Called by script.ts.
import { answerMachine, answerSituation, type MachineAnswer } from '../decide/answer.ts'
import type { Damage } from '../decide/damage.ts'
import { newBootKeys } from '../inventory/boots/boots.ts'
import { recordClaim } from '../inventory/machines/identity/claims.ts'
import { recordConflict } from '../inventory/machines/identity/conflicts.ts'
import { recordDiscovered } from '../inventory/machines/identity/discovered.ts'
import { recordSeen } from '../inventory/machines/identity/last-seen.ts'
import { takeOverDiscovered } from '../inventory/machines/machines.ts'
import { messageOf } from '../lib/errors.ts'
import type { Situation } from '../model/decision.ts'
import type { Facts } from '../model/facts.ts'
import type { Choice } from '../model/menu.ts'
import type { BootDeps } from './http/deps.ts'
import type { BootRequest } from './http/request.ts'
import { settleEvents } from './http/settle.ts'

/** Answers a machine and opens its boot. `bootId` is that of the boot; a machine that waits for an image opens none. */
export async function bootMachine(
  deps: BootDeps,
  { ip, base }: BootRequest,
  reported: Facts,
  choice?: Choice,
): Promise<MachineAnswer & { bootId?: string }> {
  // The connection tells the machine's address better than the machine does.
  const facts = { ...reported, ip }
  const situation = await recordIdentity(deps, await deps.inventory.findSituation(facts), facts)
  const boot = newBootKeys(deps.sealer.tokenOf)
  const answer = await answerSituation(deps, situation, { base, boot, ...(choice !== undefined && { choice }) })
  const { decision, script, reports } = answer
  await Promise.all(answer.damage.filter(({ isNew }) => isNew).map((damage) => recordDamage(deps, damage)))
  // A waiting machine retries every few seconds: that is not yet a boot.
  if (decision.spec.kind === 'wait') {
    await recordSeen(deps.db, decision, facts)
    return answer
  }
  if (decision.machine?.discovered !== false && !deps.mayRecord(ip)) {
    deps.log.warn({ mac: facts.mac, ip }, 'boot not recorded: too many new machines from this address')
    return answerMachine(deps, facts, { base })
  }
  // What firmware and bootstrap fetched must be written before the boot can be joined to it.
  await settleEvents(deps)
  await deps.inventory.openBoot({ ...boot, facts: situation.facts, ip, decision, script, reports })
  return { ...answer, bootId: boot.id }
}

/**
 * Records the client: a conflict of two machines, a new MAC with the UUID or serial of a machine, or a new machine.
 * Returns the situation after that.
 */
async function recordIdentity(deps: BootDeps, situation: Situation, facts: Facts): Promise<Situation> {
  const { db, inventory, log } = deps
  const { identity } = situation
  if ('conflict' in identity) {
    await recordConflict(db, identity.conflict, facts)
    return situation
  }
  if (!('machine' in identity)) {
    for (const { id } of identity.claimed) await recordClaim(db, id, facts)
    return discover(deps, situation, facts)
  }
  if (identity.byMac) return situation
  const { machine, weak } = identity
  const isNew = await recordClaim(db, machine.id, facts)
  if (weak === undefined && facts.mac !== undefined) await takeOverDiscovered(db, machine.id, [facts.mac])
  if (!isNew) return situation
  log.warn({ mac: facts.mac, machine: machine.id, weak }, 'machine identified by its UUID or serial, not by its MAC')
  // Another machine may ask with the same values at this moment: both are only told apart once this claim is recorded.
  return inventory.findSituation(facts)
}

async function discover(deps: BootDeps, situation: Situation, facts: Facts): Promise<Situation> {
  const { db, settings, log, inventory, mayRecord } = deps
  const { maxDiscovered: max, maxDiscoveredPerAddress: maxPerAddress } = settings
  const machine = mayRecord(facts.ip ?? '') ? await recordDiscovered(db, facts, { max, maxPerAddress }) : undefined
  if (machine === undefined) {
    const why = 'unknown machine not recorded: it has no MAC, or too many new machines came from its address'
    log.warn({ mac: facts.mac, ip: facts.ip }, why)
    return situation
  }
  log.info({ mac: facts.mac, machine: machine.id }, 'machine discovered')
  return inventory.findSituation(facts)
}

/** From now on all machines are refused the file, and operators can see why. */
async function recordDamage({ recordDamage, log }: BootDeps, { sha256, name, damage }: Damage): Promise<void> {
  log.error({ file: name, sha256, damage }, 'stored file is damaged')
  await recordDamage(sha256, damage).catch((error: unknown) =>
    log.error({ sha256, error: messageOf(error) }, 'damage was not recorded'),
  )
}
