// /setup/tokens: tokens of programs.
import type { NewToken, TokenList } from '../../api/schemas/access/token.ts'
import { pathOf, RefusedError } from '../http/client.ts'
import { shellQuote } from '../http/commands.ts'
import type { Form } from '../http/form.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'
import { submit } from '../http/visit.ts'

export const tokens: PageHandler = async (visit) => tokensPage(visit, {})

async function tokensPage({ api }: Visit, entered: Record<string, string>, refusal?: RefusedError): Promise<Page> {
  const { items } = await api.ask<TokenList>('GET', '/tokens')
  const isOver = (token: (typeof items)[number]) =>
    token.revokedAt !== undefined || (token.expiresAt !== undefined && Date.parse(token.expiresAt) <= Date.now())
  const data = { valid: items.filter((token) => !isOver(token)), over: items.filter(isOver), entered, refusal }
  const [name, role] = [entered.name || 'provisioning', entered.role || 'operator']
  return {
    view: 'access/tokens',
    title: 'Tokens',
    data: { ...data, tab: 'tokens' },
    commands: [
      { title: 'List tokens', path: '/tokens', cli: 'token list' },
      {
        ...{ title: 'Create a token', method: 'POST', path: '/tokens', body: { name, role } },
        cli: `token create ${shellQuote(name)} --role ${role}`,
      },
    ],
  }
}

export const createToken: PageHandler = async (visit) =>
  submit(
    async () => {
      const token = await visit.api.ask<NewToken>('POST', '/tokens', tokenOf(visit.form))
      return {
        view: 'access/token',
        title: `Token ${token.name}`,
        data: { token, tab: 'tokens' },
        commands: [{ title: 'Try the token', path: '/me' }],
      }
    },
    (refusal) => tokensPage(visit, visit.form.values, refusal),
  )

export const revokeToken: PageHandler = async ({ api, params: { id = '' } }) => {
  await api.ask('DELETE', pathOf('tokens', id))
  return { redirect: '/setup/tokens', notice: 'The token is revoked. Programs that use it are refused from now on.' }
}

function tokenOf(form: Form) {
  const labels = form.get('labels')
  const days = Number(form.get('days') ?? 0)
  return {
    name: form.get('name') ?? '',
    role: form.get('role'),
    ...(labels !== undefined && { scope: readLabels(labels) }),
    ...(days > 0 && { expiresAt: new Date(Date.now() + days * 86_400_000).toISOString() }),
  }
}

/** `rack=b4 row=2`, separated by spaces or commas. The API judges names and values. */
function readLabels(text: string): Record<string, string> {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '')
  const wrong = parts.find((part) => !/^[^=]+=./.test(part))
  if (wrong !== undefined) {
    const fault = { field: 'labels', value: wrong, expected: 'labels with their values: rack=b4 row=2' }
    throw new RefusedError('labels: expected labels with their values', 422, undefined, [fault])
  }
  return Object.fromEntries(parts.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]))
}
