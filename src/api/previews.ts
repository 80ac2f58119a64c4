import { z } from '@hono/zod-openapi'
import type { Facts } from '../inventory/facts.ts'
import { findMachine, type MachineKey } from '../inventory/machines.ts'
import { decisionSchema } from './decisions.ts'
import { type AdminDeps, endpoint } from './endpoint.ts'
import { requireMachine } from './machines.ts'
import { arch, machineKey, platform } from './schemas.ts'

const previewQuery = z.strictObject({
  arch: arch.optional().openapi({ description: "Instead of the machine's own." }),
  platform: platform.optional().openapi({ description: "Instead of the machine's own." }),
  baseUrl: z
    .string()
    .regex(/^https?:\/\/[A-Za-z0-9.[\]:-]{1,255}$/, 'http://host[:port] without a path')
    .optional()
    .openapi({ description: 'The address at which the machine would ask.', example: 'http://192.0.2.1:8080' }),
})

export const script = endpoint({
  operationId: 'previewScript',
  summary: 'The iPXE script the machine would get now',
  description:
    'Changes nothing and opens no boot: the token in it is the word preview. For an unknown MAC the policy speaks.',
  params: z.object({ id: machineKey }),
  query: previewQuery,
  returns: z.string().openapi({ example: '#!ipxe\n' }),
  returnsType: 'text/plain',
  statuses: { 200: 'The script' },
  answer: async (deps, { params: { id }, query }) => ({ status: 200, body: (await preview(deps, id, query)).script }),
})

export const decision = endpoint({
  operationId: 'previewDecision',
  summary: 'What the machine would boot now, and why',
  params: z.object({ id: machineKey }),
  query: previewQuery,
  returns: decisionSchema,
  statuses: { 200: 'The decision' },
  answer: async (deps, { params: { id }, query }) => ({ status: 200, body: (await preview(deps, id, query)).decision }),
})

async function preview(deps: AdminDeps, key: MachineKey, query: z.output<typeof previewQuery>) {
  const machine = 'mac' in key ? await findMachine(deps.db, key) : await requireMachine(deps.db, key)
  const address = 'mac' in key ? key.mac : machine?.macs[0]
  const facts: Facts = {
    ...machine?.facts,
    ...(address !== undefined && { mac: address }),
    ...(query.arch !== undefined && { buildarch: query.arch, cpuarch: query.arch }),
    ...(query.platform !== undefined && { platform: query.platform }),
  }
  return deps.preview(facts, query.baseUrl)
}
