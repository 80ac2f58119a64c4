// / and /wall: this moment, live.
import type { BootList } from '../../../api/schemas/boots/boot.ts'
import type { Now } from '../../../api/schemas/boots/now.ts'
import type { ApiClient } from '../../http/client.ts'
import type { PageHandler } from '../../http/visit.ts'
import { stageText } from '../words.ts'
import { bootingRows, lastBootOf, progressOf } from './booting.ts'
import { batchesOf, bootTimesOf, outcomesOf, throughputOf } from './figures.ts'
import { streamParts } from './live.ts'
import { problemsOf } from './problems.ts'

const commands = [
  { title: 'Get what happens now', path: '/now' },
  { title: 'Follow it as it changes', path: '/now/events' },
  { title: 'List the boots in progress', path: '/boots?outcome=open', cli: 'boots --outcome open' },
]

/** The page *Now*. */
export const page: PageHandler = async ({ api }) => ({
  view: 'boots/now',
  title: 'Now',
  data: await viewOf(await api.ask<Now>('GET', '/now'), api),
  commands,
})

/** The page as it changes. */
export const live: PageHandler = (visit) =>
  streamParts<Now>(visit, '/now/events', async (now) => visit.render('boots/now-live', await viewOf(now, visit.api)))

/** The page for a screen in the room: it leads nowhere and changes nothing. */
export const wall: PageHandler = async ({ api, principal }) => ({
  view: 'boots/wall',
  title: 'Wall',
  data: { ...(await viewOf(await api.ask<Now>('GET', '/now'), api)), role: principal.role },
  bare: true,
  theme: 'dark',
})

export const wallLive: PageHandler = (visit) =>
  streamParts<Now>(visit, '/now/events', async (now) => visit.render('boots/wall-live', await viewOf(now, visit.api)))

/** The document as the views need it. If nothing boots, also the last boot. */
async function viewOf(now: Now, api: ApiClient) {
  const isQuiet = now.booting.items.length === 0
  const last = isQuiet && now.database === 'here' ? await api.ask<BootList>('GET', '/boots?limit=1') : undefined
  return {
    now,
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
