// Previews and /explain: what a machine would boot now, and why.
import { z } from '@hono/zod-openapi'
import { type Asking, answerMachine } from '../../decide/answer.ts'
import { chooseBootProgram } from '../../decide/boot-program.ts'
import { otherGroups } from '../../decide/group-match.ts'
import { keysOf } from '../../decide/preview/group.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import { InputError } from '../../lib/errors.ts'
import type { Decision, Reason, Situation } from '../../model/decision.ts'
import type { Facts } from '../../model/facts.ts'
import { firmwareKindOf } from '../../model/firmware/kinds.ts'
import type { MachineKey } from '../../model/machine.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { requireMachine } from '../machines/machines.ts'
import { explainedDecision } from '../schemas/boots/decision.ts'
import { explainQuery, filledAnswerFile, previewQuery } from '../schemas/boots/preview.ts'
import { machineKey } from '../schemas/common.ts'

const params = z.object({ id: machineKey })

export const script = endpoint({
  operationId: 'previewScript',
  action: 'inventory.read',
  scope: 'machine',
  summary: 'Preview the iPXE script that the machine would get now',
  description:
    'Nothing changes, and no boot is recorded. The token in the script is the word preview. For an unknown MAC address, the groups and the policy decide.',
  params,
  query: previewQuery,
  returns: z.string().openapi({ example: '#!ipxe\n' }),
  returnsType: 'text/plain',
  statuses: { 200: 'The script' },
  answer: async (deps, { params: { id }, query }) => ({
    status: 200,
    body: (await answerMachine(deps, await factsOf(deps, id, query), asking(deps, query))).script,
  }),
})

export const decision = endpoint({
  operationId: 'previewDecision',
  action: 'inventory.read',
  scope: 'machine',
  summary: 'Explain what the machine would boot now',
  params,
  query: previewQuery,
  returns: explainedDecision,
  statuses: { 200: 'The decision' },
  answer: async (deps, { params: { id }, query }) => ({
    status: 200,
    body: await explained(deps, await factsOf(deps, id, query), query),
  }),
})

export const explain = endpoint({
  operationId: 'explain',
  action: 'inventory.read',
  summary: 'Explain what a machine with these facts would boot',
  description: 'The machine need not exist. Nothing changes.',
  query: explainQuery,
  returns: explainedDecision,
  statuses: { 200: 'The decision' },
  answer: async (deps, { query: { arch: buildarch, baseUrl, ...given } }) => {
    const values = { ...given, ...(buildarch && { buildarch, cpuarch: buildarch }) }
    const facts = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
    return { status: 200, body: await explained(deps, facts, { baseUrl }) }
  },
})

export const answers = endpoint({
  operationId: 'previewAnswers',
  action: 'answer-files.edit',
  scope: 'machine',
  summary: "Preview the machine's answer file as its installer would get it now",
  description: 'Asterisks replace the secrets. If values are missing, the error names all of them.',
  params,
  query: previewQuery,
  returns: filledAnswerFile,
  statuses: { 200: 'The documents; an empty list if the machine has no answer file' },
  answer: async (deps, { params: { id }, query }) => {
    const facts = await factsOf(deps, id, query)
    const { decision, documents, unfilled } = await answerMachine(deps, facts, asking(deps, query))
    // A fault in the answer file itself is reported field by field.
    if (unfilled !== undefined) throw new InputError(unfilled)
    const { spec } = decision
    if (spec.kind === 'refusal')
      return { status: 200, body: { items: [], refusal: `${spec.reason}; ${spec.nextStep}` } }
    return { status: 200, body: { items: documents } }
  },
})

export function asking({ bootUrl }: AdminDeps, { baseUrl }: { baseUrl?: string | undefined }): Asking {
  return { base: baseUrl ?? bootUrl }
}

async function explained(deps: AdminDeps, facts: Facts, query: { baseUrl?: string | undefined }) {
  const { decision, situation } = await answerMachine(deps, facts, asking(deps, query))
  const reasons = [...decision.reasons, ...bootProgramReasons(deps, situation, decision)]
  return { ...decision, reasons, others: otherGroups(situation, decision.target) }
}

/** Which boot program the firmware of the machine gets, and why. */
function bootProgramReasons({ nbps }: AdminDeps, situation: Situation, { target }: Decision): Reason[] {
  const kind = firmwareKindOf(target)
  if (kind === undefined) return []
  const { bootProgram, why } = chooseBootProgram(situation, kind.code, [...nbps.values()])
  const candidate = bootProgram === undefined ? 'boot program' : `boot program ${bootProgram}`
  return [{ candidate, won: bootProgram !== undefined, why }]
}

/** The facts of a machine, with the architecture and platform of the query instead of its own. @throws NotFoundError */
export async function factsOf(deps: AdminDeps, key: MachineKey, query: z.output<typeof previewQuery>): Promise<Facts> {
  const machine = 'mac' in key ? await findMachine(deps.db, key) : await requireMachine(deps.db, key)
  return {
    ...('mac' in key ? { mac: key.mac } : machine && keysOf(machine)),
    ...factsOfTarget(query),
  }
}

/** The facts about the architecture and platform in a query. */
export function factsOfTarget({ arch, platform }: Pick<z.output<typeof previewQuery>, 'arch' | 'platform'>): Facts {
  return {
    ...(arch !== undefined && { buildarch: arch, cpuarch: arch }),
    ...(platform !== undefined && { platform }),
  }
}
