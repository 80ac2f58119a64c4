// /images: what machines can boot, and the imports that are running.
import type { ImageSummary, ImageSummaryList } from '../../api/schemas/images/image.ts'
import type { Import } from '../../api/schemas/images/import.ts'
import { withQuery } from '../http/client.ts'
import { count } from '../http/format.ts'
import type { PageHandler } from '../http/visit.ts'
import { judgeEndOfLife } from './end-of-life.ts'
import { describeImport, listRecentImports } from './imports.ts'
import { imagePath } from './paths.ts'

export const list: PageHandler = async ({ api, query, url }) => {
  const after = query.get('after')
  const path = withQuery('/image-summaries', { limit: '100', after })
  const { items, next } = await api.ask<ImageSummaryList>('GET', path)
  const imports = await listRecentImports(api)
  return {
    view: 'images/list',
    title: 'Images',
    data: {
      images: items.map(rowOf),
      isFirst: after === undefined,
      next: next && withQuery('/images', { after: next }),
      imports: imports.map(describeImport),
      isBusy: imports.some(isOpen),
      ...{ starters, here: url },
    },
    commands: [
      { title: 'List these images with their sizes and uses', path, cli: 'image list' },
      { title: 'List the imports', path: '/imports?state=open', cli: 'image imports' },
    ],
  }
}

/** Recipes for a first image: an installer of each large family, and a program that proves that booting works. */
const starters = [
  { name: 'debian-13', title: 'Debian 13' },
  { name: 'ubuntu-26.04', title: 'Ubuntu 26.04' },
  { name: 'rocky-10', title: 'Rocky Linux 10' },
  { name: 'memtest86plus', title: 'Memtest86+' },
]

function isOpen({ state }: Import): boolean {
  return state === 'waiting' || state === 'running'
}

function rowOf(image: ImageSummary) {
  return { ...image, path: imagePath(image.name), support: judgeEndOfLife(image.endOfLife), usedBy: usesOf(image) }
}

/** What names an image, each with the page that lists it. */
function usesOf({ name, uses }: ImageSummary): { text: string; path: string }[] {
  const image = encodeURIComponent(name)
  return [
    ...(uses.assigned > 0 ? [{ text: count(uses.assigned, 'machine'), path: `/machines?image=${image}` }] : []),
    ...(uses.groups > 0 ? [{ text: count(uses.groups, 'group'), path: '/groups' }] : []),
    ...(uses.menus > 0 ? [{ text: count(uses.menus, 'menu'), path: '/menus' }] : []),
    ...(uses.policy ? [{ text: 'the policy', path: '/setup/policy' }] : []),
    ...(uses.deployments > 0
      ? [{ text: count(uses.deployments, 'deployment'), path: `/deployments?image=${image}` }]
      : []),
  ]
}
