// All evidence for one machine: its decision, its last boot, and what its firmware asked for.

import { answerMachine } from '../../decide/answer.ts'
import { listBoots } from '../../inventory/boots/boots.ts'
import { listMacEvents } from '../../inventory/boots/events.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import type { Mac } from '../../lib/ids/mac.ts'
import type { BootEvent } from '../../model/boot.ts'
import { failureOf } from '../../model/codes/explain.ts'
import { type Machine, nameOf } from '../../model/machine.ts'
import { type Finding, fault, pass } from '../finding.ts'
import type { ServerContext } from './context.ts'
import { judgeMachine } from './machines.ts'

const maxEvents = 20

export async function checkMachine(context: ServerContext, mac: Mac): Promise<Finding[]> {
  const machine = await findMachine(context.db, { mac })
  const address = machine?.facts.ip
  const events = await listMacEvents(context.db, { mac, ip: address }, maxEvents)
  return [
    await checkDecision(context, mac, machine),
    ...(await checkLastBoot(context, mac, machine, events)),
    ...(events.length === 0 ? [] : [pass({ check: 'last events', where: mac }, events.map(textOf).join('; '))]),
  ]
}

async function checkDecision(context: ServerContext, mac: Mac, machine: Machine | undefined): Promise<Finding> {
  const subject = {
    check: 'decision',
    where: machine === undefined ? `${mac}, an unknown machine` : `machine ${nameOf(machine)}`,
  }
  const refused = machine === undefined ? undefined : await judgeMachine(context, machine)
  if (refused !== undefined) return { ...refused, check: subject.check }
  const { decision } = await answerMachine(
    context,
    { ...machine?.facts, mac },
    { base: context.baseUrl ?? context.bootUrl },
  )
  if (decision.spec.kind === 'refusal')
    return fault(subject, decision.spec.code ?? 'BW-REFUSED', decision.spec.reason, {
      todo: [`Next step ${decision.spec.nextStep}.`],
    })
  const won = decision.reasons.filter((reason) => reason.won).map(({ candidate }) => candidate)
  const image =
    decision.image === undefined ? decision.spec.kind : `image ${decision.image.name} version ${decision.image.version}`
  return pass(subject, `${image} (${won.join(', ')})`)
}

async function checkLastBoot(
  { db }: ServerContext,
  mac: Mac,
  machine: Machine | undefined,
  events: readonly BootEvent[],
): Promise<Finding[]> {
  const subject = { check: 'last boot', where: machine === undefined ? mac : `machine ${nameOf(machine)}` }
  const [boot] = machine === undefined ? [] : await listBoots(db, { machineId: machine.id }, 1)
  if (boot === undefined) {
    if (events.length === 0) return [fault(subject, 'BW-NEVER-ASKED', 'no packet, no request and no boot is recorded')]
    const last = events.at(-1)
    return [fault(subject, 'BW-BOOT-FAILED', `no script was requested; the last event is ${last?.stage ?? 'unknown'}`)]
  }
  const when = `${boot.startedAt.toISOString().slice(0, 19)}Z`
  const ended = boot.outcome ?? `at stage ${boot.stage}`
  const decoded = failureOf(boot.message)?.meaning
  const message = [boot.message, decoded].filter((text) => text !== null && text !== undefined).join(' = ')
  const seen = `boot of ${when}: ${ended}${message === '' ? '' : `, ${message}`}`
  if (boot.outcome === 'failed' || boot.outcome === 'stalled')
    return [
      fault(subject, 'BW-BOOT-FAILED', seen, {
        todo: [`Read the events of the boot: \`bootwright boots show ${boot.id}\`.`],
      }),
    ]
  return [pass(subject, seen)]
}

function textOf({ at, stage, file, message }: BootEvent): string {
  const details = [file, message].filter((text) => text !== undefined).join(', ')
  return `${at.toISOString().slice(11, 19)} ${stage}${details === '' ? '' : ` ${details}`}`
}
