// /codes: what the codes of firmware, iPXE and Bootwright mean.
import { requireFound } from '../../lib/errors.ts'
import { explainCode } from '../../model/codes/explain.ts'
import { endpoint } from '../http/endpoint.ts'
import { codeParams, codeQuery, codeTextQuery, explanationList } from '../schemas/system/code.ts'

export const list = endpoint({
  operationId: 'explainCodes',
  action: 'system.read',
  scope: 'any',
  summary: 'Explain the codes in a text',
  description: 'Finds codes of PXE, iPXE and Bootwright, and known messages of UEFI and shim, in lines of a console.',
  query: codeTextQuery,
  returns: explanationList,
  statuses: { 200: 'The explanations; empty if the text has no code' },
  answer: async (_deps, { query: { text, firmware } }) => ({
    status: 200,
    body: { items: explainCode(text, firmware) },
  }),
})

export const get = endpoint({
  operationId: 'explainCode',
  action: 'system.read',
  scope: 'any',
  summary: 'Explain a code',
  params: codeParams,
  query: codeQuery,
  returns: explanationList,
  statuses: { 200: 'The explanations: several if BIOS and UEFI differ' },
  answer: async (_deps, { params: { code }, query: { firmware } }) => {
    const items = explainCode(code, firmware)
    requireFound(items[0], `code ${code}`)
    return { status: 200, body: { items } }
  },
})
