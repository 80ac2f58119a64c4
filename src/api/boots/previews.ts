import { z } from '@hono/zod-openapi'
import { decide, machineOf } from '../../decide/decision.ts'
import { otherGroups } from '../../decide/group-match.ts'
import { documentsOf, secretNamesOf } from '../../inventory/boots/answer-access.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import type { Facts } from '../../model/facts.ts'
import type { Machine, MachineKey } from '../../model/machine.ts'
import { renderAnswers, withRedactedSecrets } from '../../render/answers.ts'
import { namesOf } from '../../render/names.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { requireMachine } from '../machines/machines.ts'
import { explainedDecision } from '../schemas/boots/decision.ts'
import { explainQuery, filledAnswerFile, previewQuery } from '../schemas/boots/preview.ts'
import { machineKey } from '../schemas/common.ts'

const params = z.object({ id: machineKey })

export const script = endpoint({
  operationId: 'previewScript',
  summary: 'The iPXE script the machine would get now',
  description:
    'Changes nothing and opens no boot: the token in it is the word preview. For an unknown MAC the groups and the policy speak.',
  params,
  query: previewQuery,
  returns: z.string().openapi({ example: '#!ipxe\n' }),
  returnsType: 'text/plain',
  statuses: { 200: 'The script' },
  answer: async (deps, { params: { id }, query }) => ({
    status: 200,
    body: (await deps.preview(await factsOf(deps, id, query), query.baseUrl)).script,
  }),
})

export const decision = endpoint({
  operationId: 'previewDecision',
  summary: 'What the machine would boot now, and why',
  params,
  query: previewQuery,
  returns: explainedDecision,
  statuses: { 200: 'The decision' },
  answer: async (deps, { params: { id }, query }) => ({
    status: 200,
    body: await explained(deps, await factsOf(deps, id, query), query.baseUrl),
  }),
})

export const explain = endpoint({
  operationId: 'explain',
  summary: 'What a machine that says this of itself would boot, and why',
  description: 'Whether there is such a machine or not. Changes nothing.',
  query: explainQuery,
  returns: explainedDecision,
  statuses: { 200: 'The decision' },
  answer: async (deps, { query: { arch: buildarch, baseUrl, ...rest } }) => {
    const facts = { ...rest, ...(buildarch && { buildarch, cpuarch: buildarch }) }
    const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
    return { status: 200, body: await explained(deps, known, baseUrl) }
  },
})

export const answers = endpoint({
  operationId: 'previewAnswers',
  summary: "The machine's answer file, filled in as its installer would get it now",
  description: 'With asterisks for its secrets. What is missing is named, all of it at once.',
  params,
  query: previewQuery,
  returns: filledAnswerFile,
  statuses: { 200: 'Its documents; none when the machine has no answer file' },
  answer: async (deps, { params: { id }, query }) => {
    const situation = await deps.findSituation(await factsOf(deps, id, query))
    const { facts } = situation
    const decided = decide(situation)
    // A refusal that an answer file itself causes is told below, in full.
    const { spec } = decided
    if (spec.kind === 'refusal')
      return { status: 200, body: { items: [], refusal: `${spec.reason}; ${spec.nextStep}` } }
    const documents = documentsOf(decided, situation)
    const boot = { id: 'preview', token: 'preview' }
    const names = namesOf(decided, { facts, base: query.baseUrl ?? deps.bootUrl, boot }, documents[0]?.name)
    const items = renderAnswers(documents, withRedactedSecrets(names, secretNamesOf(decided, situation)))
    return { status: 200, body: { items } }
  },
})

async function explained(deps: AdminDeps, facts: Facts, baseUrl: string | undefined) {
  const { decision: made } = await deps.preview(facts, baseUrl)
  const { identity, catalog } = await deps.findSituation(facts)
  return { ...made, others: otherGroups(catalog, machineOf(identity), facts, made.target) }
}

async function factsOf(deps: AdminDeps, key: MachineKey, query: z.output<typeof previewQuery>): Promise<Facts> {
  const machine = 'mac' in key ? await findMachine(deps.db, key) : await requireMachine(deps.db, key)
  return {
    ...('mac' in key ? { mac: key.mac } : asks(machine)),
    ...(query.arch !== undefined && { buildarch: query.arch, cpuarch: query.arch }),
    ...(query.platform !== undefined && { platform: query.platform }),
  }
}

/** What a machine says when it asks: its MAC, or where none was entered what identifies it, as it said it before. */
function asks(machine: Machine | undefined): Facts {
  const [mac] = machine?.macs ?? []
  if (machine === undefined || mac !== undefined) return mac === undefined ? {} : { mac }
  const { uuid, serial, product } = machine
  const said = Object.entries({ uuid, serial, product, mac: machine.facts.mac })
  return Object.fromEntries(said.filter(([, value]) => value !== undefined))
}
