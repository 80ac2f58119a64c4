// /changes: the audit log.
import type { Change, ChangeTypeList } from '../../api/schemas/changes/change.ts'
import { pathOf, RefusedError, withQuery } from '../http/client.ts'
import { shellQuote } from '../http/commands.ts'
import type { Form } from '../http/form.ts'
import type { PageHandler } from '../http/visit.ts'
import { differencesOf } from './differences.ts'

type Changes = { items: Change[]; next?: string; refusal?: RefusedError }

export const changes: PageHandler = async ({ api, query }) => {
  const filter = filterOf(query)
  const path = withQuery('/changes', { limit: '50', ...filter, before: query.get('before') })
  const [{ items: types }, found] = await Promise.all([
    api.ask<ChangeTypeList>('GET', '/change-types'),
    api.ask<Changes>('GET', path).catch(refusedAsEmpty),
  ])
  const rows = found.items.map((change) => ({
    ...change,
    link: linkOf(change),
    differences: differencesOf(change),
  }))
  const entered = query.values
  const next = found.next && withQuery('/changes', { ...entered, before: found.next })
  const here = (more: Record<string, string>) => withQuery('/changes', { ...entered, before: undefined, ...more })
  return {
    view: 'changes/changes',
    title: 'Audit log',
    status: found.refusal === undefined ? 200 : 422,
    data: { rows, types, entered, next, here, refusal: found.refusal, tab: 'changes' },
    commands: [{ title: 'List these changes', path, cli: commandOf(filter) }],
  }
}

type Filter = { subject?: string; actor?: string; type?: string; since?: string; until?: string }

function filterOf(query: Form): Filter {
  const texts = (['subject', 'actor', 'type'] as const).flatMap((name) => {
    const text = query.get(name)
    return text === undefined ? [] : [[name, text]]
  })
  const times = (['since', 'until'] as const).flatMap((name) => {
    const text = query.get(name)
    return text === undefined ? [] : [[name, utcOf(text)]]
  })
  return Object.fromEntries([...texts, ...times])
}

/** A browser sends `2026-01-31T09:30`, and the page says that times are in UTC. */
function utcOf(text: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text) ? `${text}${text.length === 16 ? ':00' : ''}Z` : text
}

/** A filter that the API refuses shows the form again. */
function refusedAsEmpty(error: unknown): Changes {
  if (!(error instanceof RefusedError) || error.status !== 422) throw error
  return { items: [], refusal: error }
}

function commandOf({ subject, actor, type, since }: Filter): string {
  const options = Object.entries({ '--of': subject, '--by': actor, '--type': type, '--since': since })
  return ['changes', ...options.flatMap(([name, text]) => (text === undefined ? [] : [name, shellQuote(text)]))].join(
    ' ',
  )
}

const places: Record<string, (subject: string) => string> = {
  group: (name) => pathOf('groups', name),
  menu: (name) => pathOf('menus', name),
  'answer-file': (name) => pathOf('answer-files', name),
  image: (name) => pathOf('images', name),
  rollout: (id) => pathOf('rollouts', id),
  policy: () => '/setup/policy',
  'proxy-dhcp': () => '/setup/dhcp',
  'foreign-server': () => '/setup/doctor#servers',
  token: () => '/setup/tokens',
  webhook: () => '/setup/webhooks',
  person: (id) => pathOf('setup', 'people', id),
}

/** The page of the subject. A deleted one has none any longer. */
function linkOf({ type, subject, machine }: Change): string | undefined {
  if (machine !== undefined) return pathOf('machines', machine.id)
  const [noun = '', what] = type.split('.')
  return what === 'deleted' ? undefined : places[noun]?.(subject)
}
