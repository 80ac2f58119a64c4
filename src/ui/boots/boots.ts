// /boots: how boots went.
import type { Boot, BootList } from '../../api/schemas/boots/boot.ts'
import type { Now } from '../../api/schemas/boots/now.ts'
import { type ApiClient, pathOf, RefusedError, withQuery } from '../http/client.ts'
import { shellQuote } from '../http/commands.ts'
import { duration, time } from '../http/format.ts'
import { refusedFilter } from '../http/listed.ts'
import type { PageHandler } from '../http/visit.ts'
import { progressOf } from './now/booting.ts'
import { nameOf, outcomeState, stageText } from './words.ts'

const outcomeChoices = ['open', 'booted', 'installed', 'failed', 'stalled', 'handed-over', 'superseded'] as const

/** The list, newest first. */
export const list: PageHandler = async ({ api, query }) => {
  const filter = Object.fromEntries(
    ['outcome', 'image', 'machine', 'deployment', 'since'].map((name) => [name, query.get(name)]),
  )
  const path = withQuery('/boots', { ...filter, limit: '50', before: query.get('before') })
  const found = await api.ask<BootList>('GET', path).catch(refusedFilter)
  const refusal = found instanceof RefusedError ? found : undefined
  const { items, next } = found instanceof RefusedError ? { items: [], next: undefined } : found
  const cli = ['outcome', 'machine', 'since'].flatMap((name) =>
    filter[name] ? [`--${name} ${shellQuote(filter[name])}`] : [],
  )
  return {
    view: 'boots/list',
    title: 'Boots',
    status: refusal === undefined ? 200 : 422,
    data: {
      ...{ filter, refusal },
      isFiltered: Object.values(filter).some((value) => value !== undefined),
      outcomes: outcomeChoices.map((value) => ({
        value,
        words: value === 'open' ? 'in progress' : outcomeState(value).words,
      })),
      boots: items.map((boot) => ({
        ...boot,
        name: nameOf(boot),
        state: outcomeState(boot.outcome),
        stage: stageText(boot.stage),
        took: boot.endedAt === undefined ? '' : durationOf(boot.startedAt, boot.endedAt),
      })),
      next: next && withQuery('/boots', { ...filter, before: next }),
    },
    commands: [{ title: 'List these boots', path, cli: ['boots', ...cli].join(' ') }],
  }
}

/** A boot with all that is known of it. */
export const show: PageHandler = async ({ api, params: { id = '' } }) => {
  const path = pathOf('boots', id)
  const boot = await api.ask<Boot>('GET', path)
  const name = nameOf(boot)
  const running = boot.outcome === undefined || boot.outcome === 'stalled' ? await findRunning(api, boot.id) : undefined
  return {
    view: 'boots/boot',
    title: `Boot of ${name}, ${time(boot.startedAt)}`,
    data: {
      boot,
      name,
      state: outcomeState(boot.outcome),
      isOver: boot.outcome !== undefined && boot.outcome !== 'stalled',
      progress: running?.download && progressOf(running.download, name),
      cause: running?.stalled ?? running?.gap,
      took: durationOf(boot.startedAt, boot.endedAt ?? boot.movedAt),
      events: boot.events.map((event) => ({
        ...event,
        words: stageText(event.stage),
        after: after(boot.startedAt, event.at),
      })),
      facts: Object.entries(boot.facts).map(([fact, value]) => [fact, String(value)]),
    },
    commands: [
      { title: 'Get this boot', path, cli: `boots show ${id} --why` },
      { title: 'Get its script', path, cli: `boots show ${id} --script` },
    ],
  }
}

async function findRunning(api: ApiClient, id: string) {
  const { booting } = await api.ask<Now>('GET', '/now')
  return booting.items.find((boot) => boot.id === id)
}

function durationOf(from: string, to: string): string {
  return duration(Math.max(0, Date.parse(to) - Date.parse(from)))
}

/** The time from the script to an event; firmware's events come before. */
function after(startedAt: string, at: string): string {
  const ms = Date.parse(at) - Date.parse(startedAt)
  return ms < 0 ? `−${duration(-ms)}` : `+${duration(ms)}`
}
