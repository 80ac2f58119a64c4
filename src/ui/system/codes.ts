// /codes: what a code on a screen means.
import type { ExplanationList } from '../../api/schemas/system/code.ts'
import { pathOf, withQuery } from '../http/client.ts'
import type { PageHandler } from '../http/visit.ts'

export const codes: PageHandler = async ({ api, query }) => {
  const text = query.get('text')
  const path = withQuery('/codes', { text })
  const { items } = text === undefined ? { items: [] } : await api.ask<ExplanationList>('GET', path)
  return {
    view: 'system/codes',
    title: 'Explain a code',
    data: { text, items },
    commands: [
      {
        title: 'Explain the codes in a text',
        path: withQuery('/codes', { text: text ?? 'PXE-E53' }),
        cli: `explain-code ${text ?? 'PXE-E53'}`,
      },
    ],
  }
}

export const code: PageHandler = async ({ api, params: { code = '' } }) => {
  const path = pathOf('codes', code)
  const found = await api.find<ExplanationList>(path)
  return {
    view: 'system/codes',
    title: code,
    status: found === undefined ? 404 : 200,
    data: { text: code, items: found?.items ?? [] },
    commands: [{ title: 'Explain this code', path, cli: `explain-code ${code}` }],
  }
}
