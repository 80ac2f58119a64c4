// / and /wall: this moment, live.
import type { SessionList } from '../../../api/schemas/access/person.ts'
import type { BootList } from '../../../api/schemas/boots/boot.ts'
import type { Now } from '../../../api/schemas/boots/now.ts'
import { withQuery } from '../../http/client.ts'
import type { PageHandler, Visit } from '../../http/visit.ts'
import { stageText } from '../words.ts'
import { bootingRows, lastBootOf, progressOf } from './booting.ts'
import { batchesOf, bootTimesOf, outcomesOf, throughputOf } from './figures.ts'
import { streamParts } from './live.ts'
import { problemsOf } from './problems.ts'

/** Hours before the end of its session that the wall view begins to warn. */
const warningHours = 24

const commandsOf = (visit: Visit) => [
  { title: 'Get what happens now', path: nowPath('/now', visit), cli: 'now' },
  { title: 'Follow it as it changes', path: nowPath('/now/events', visit), cli: 'now --watch' },
  { title: 'List the boots in progress', path: '/boots?outcome=open', cli: 'boots --outcome open' },
]

/** The page *Now*. */
export const page: PageHandler = async (visit) => ({
  view: 'boots/now',
  title: 'Now',
  data: await viewOf(await findNow(visit), visit),
  commands: commandsOf(visit),
})

/** The page as it changes. */
export const live: PageHandler = (visit) =>
  streamParts<Now>(visit, nowPath('/now/events', visit), async (now) =>
    visit.render('boots/now-live', await viewOf(now, visit)),
  )

/** The page for a screen in the room: it leads nowhere and changes nothing. */
export const wall: PageHandler = async (visit) => ({
  view: 'boots/wall',
  title: 'Wall',
  data: {
    ...(await viewOf(await findNow(visit), visit)),
    role: visit.principal.role,
    endsAt: await findEndOfSession(visit),
    warnMs: warningHours * 3_600_000,
  },
  bare: true,
  theme: 'dark',
})

export const wallLive: PageHandler = (visit) =>
  streamParts<Now>(visit, nowPath('/now/events', visit), async (now) =>
    visit.render('boots/wall-live', await viewOf(now, visit)),
  )

/** The absolute end of the session of this browser. Use does not move it. */
async function findEndOfSession({ api }: Visit): Promise<string | undefined> {
  const { items } = await api.ask<SessionList>('GET', '/me/sessions')
  return items.find(({ current }) => current)?.expiresAt
}

function findNow(visit: Visit): Promise<Now> {
  return visit.api.ask<Now>('GET', nowPath('/now', visit))
}

/** Today begins at midnight of the reader. */
function nowPath(path: string, { utcOffset }: Visit): string {
  return utcOffset === 0 ? path : withQuery(path, { utcOffset: String(utcOffset) })
}

/** The document as the views need it. If nothing boots, also the last boot. */
async function viewOf(now: Now, { api, utcOffset }: Visit) {
  const isQuiet = now.booting.items.length === 0
  const last = isQuiet && now.database === 'here' ? await api.ask<BootList>('GET', '/boots?limit=1') : undefined
  return {
    ...{ now, utcOffset },
    booting: bootingRows(now),
    last: lastBootOf(last?.items[0]),
    isNew: last !== undefined && last.items.length === 0,
    problems: problemsOf(now),
    downloads: now.downloads.map((download) => ({ ...download, progress: progressOf(download, download.address) })),
    stageText,
    outcomes: outcomesOf(now),
    batches: batchesOf(now),
    bootTimes: bootTimesOf(now),
    throughput: throughputOf(now),
  }
}
