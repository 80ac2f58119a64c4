// /imports: images on their way in, with their progress.
import type { Import, ImportList } from '../../api/schemas/images/import.ts'
import { type ApiClient, pathOf, withQuery } from '../http/client.ts'
import type { Tone } from '../http/tone.ts'
import type { PageHandler } from '../http/visit.ts'
import { imagePath } from './paths.ts'

/** Minutes for which the list of images shows an import that ended. */
const recentMinutes = 15

export const list: PageHandler = async ({ api, query }) => {
  const before = query.get('before')
  const path = withQuery('/imports', { limit: '50', before })
  const { items, next } = await api.ask<ImportList>('GET', path)
  return {
    view: 'images/imports',
    title: 'Imports',
    data: { imports: items.map(describeImport), next: next && withQuery('/imports', { before: next }) },
    commands: [{ title: 'List these imports', path, cli: 'image imports --all' }],
  }
}

export const get: PageHandler = async ({ api, params }) => {
  const path = pathOf('imports', params.id ?? '')
  const found = await api.ask<Import>('GET', path)
  const item = describeImport(found)
  return {
    view: 'images/import',
    title: `Import of ${item.label}`,
    data: { item },
    commands: [
      { title: 'Show this import', path, cli: 'image imports' },
      ...(item.isOpen
        ? [
            {
              title: 'Cancel it',
              method: 'POST' as const,
              path: `${path}/cancel`,
              cli: `image imports cancel ${found.id}`,
            },
          ]
        : []),
      ...(item.mayRetry
        ? [
            {
              title: 'Import again',
              method: 'POST' as const,
              path: `${path}/retry`,
              cli: `image imports retry ${found.id}`,
            },
          ]
        : []),
    ],
  }
}

export const cancel: PageHandler = async ({ api, params, form }) => {
  const { id, image, source } = await api.ask<Import>('POST', `${pathOf('imports', params.id ?? '')}/cancel`)
  const redirect = form.get('back') === 'images' ? '/images' : `/imports/${id}`
  return { redirect, notice: `The import of ${image ?? source} is cancelled.` }
}

export const retry: PageHandler = async ({ api, params }) => {
  const { id } = await api.ask<Import>('POST', `${pathOf('imports', params.id ?? '')}/retry`)
  return { redirect: `/imports/${id}` }
}

/** The open imports and those that ended a short time ago, newest first. */
export async function listRecentImports(api: ApiClient): Promise<Import[]> {
  const { items: open } = await api.ask<ImportList>('GET', '/imports?state=open&limit=50')
  const { items: newest } = await api.ask<ImportList>('GET', '/imports?limit=10')
  const since = Date.now() - recentMinutes * 60_000
  const ended = newest.filter(({ endedAt }) => endedAt !== undefined && Date.parse(endedAt) > since)
  return [...open, ...ended]
}

const tones: Record<Import['state'], Tone> = {
  waiting: 'idle',
  running: 'busy',
  done: 'ok',
  failed: 'bad',
  cancelled: 'idle',
}

/** An import as a page shows it. */
export function describeImport(item: Import) {
  const { image, source, state, doneBytes, totalBytes, version } = item
  const ended = item.endedAt === undefined ? Date.now() : Date.parse(item.endedAt)
  return {
    ...item,
    label: image ?? fileOf(source),
    tone: tones[state],
    isOpen: state === 'waiting' || state === 'running',
    isStalled: state === 'running' && item.bytesPerSecond === 0,
    mayRetry: state === 'failed' || state === 'cancelled',
    imagePath: image !== undefined && version !== undefined ? imagePath(image) : undefined,
    percent: totalBytes ? Math.floor((100 * doneBytes) / totalBytes) : undefined,
    tookMs: ended - Date.parse(item.createdAt),
    notes: state === 'done' ? (item.message ?? '').split('\n').filter((line) => line !== '') : [],
  }
}

/** The last part of a URL; any other source as it is. */
function fileOf(source: string): string {
  const { pathname } = URL.canParse(source) ? new URL(source) : { pathname: '' }
  return pathname.split('/').findLast((part) => part !== '') ?? source
}
