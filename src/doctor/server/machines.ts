// Machines that would get a refusal: no variant, or another reason.
import { answerMachine } from '../../decide/answer.ts'
import { searchMachines } from '../../inventory/machines/list.ts'
import { handleOf, type Machine, nameOf } from '../../model/machine.ts'
import { type Finding, fault, pass } from '../finding.ts'
import type { ServerContext } from './context.ts'

/** A decision takes less than a millisecond, but an inventory may have 250,000 machines. */
const maxMachines = 500
const maxFindings = 20
const concurrent = 20

export async function checkMachines(context: ServerContext, signal: AbortSignal): Promise<Finding[]> {
  const order = { by: 'lastSeen', descending: true } as const
  const machines = await searchMachines(context.db, { discovered: false }, order, maxMachines)
  const findings: Finding[] = []
  for (let at = 0; at < machines.length && !signal.aborted; at += concurrent) {
    const judged = await Promise.all(
      machines.slice(at, at + concurrent).map((machine) => judgeMachine(context, machine)),
    )
    findings.push(...judged.filter((finding) => finding !== undefined))
  }
  if (findings.length > 0) return findings.slice(0, maxFindings)
  const count =
    machines.length === maxMachines ? `the ${maxMachines} machines seen last` : `${machines.length} machines`
  return [pass({ check: 'assignments', where: 'the inventory' }, `${count}: none would get a refusal`)]
}

/** What a machine would get now, as a finding if it is a refusal. */
export async function judgeMachine(context: ServerContext, machine: Machine): Promise<Finding | undefined> {
  const [mac] = machine.macs
  const facts = { ...machine.facts, ...(mac !== undefined && { mac }) }
  const { decision } = await answerMachine(context, facts, { base: context.baseUrl ?? context.bootUrl })
  const { spec } = decision
  if (spec.kind !== 'refusal') return undefined
  const subject = { check: 'assignments', where: `machine ${nameOf(machine)}` }
  // An operator who denies a machine wants the refusal.
  if (machine.denied) return undefined
  const step = `Next step ${spec.nextStep.replace(/\bMAC\b/, handleOf(machine))}.`
  return fault(subject, spec.code ?? 'BW-REFUSED', spec.reason, {
    state: decision.target.assumed.length > 0 ? 'warning' : 'error',
    todo: [step],
  })
}
