// The frame of every page: navigation, the person, the notice, and the equivalent commands.
import { type Action, may } from '../../auth/may.ts'
import type { Principal } from '../../auth/principal.ts'
import type { Assets } from './assets.ts'
import { commandLines } from './commands.ts'
import type { Views } from './views.ts'
import type { Page } from './visit.ts'

type Entry = { path: string; label: string; action: Action; also?: string[] }

/** The pages in the navigation, in the order of a day's work. */
const navigation: Entry[] = [
  { path: '/', label: 'Now', action: 'boots.read', also: ['/boots'] },
  { path: '/machines', label: 'Machines', action: 'inventory.read', also: ['/new/machine'] },
  {
    path: '/images',
    label: 'Images',
    action: 'inventory.read',
    also: ['/new/image', '/recipes', '/imports', '/files', '/boot-programs'],
  },
  { path: '/groups', label: 'Groups', action: 'inventory.read', also: ['/new/group'] },
  { path: '/menus', label: 'Menus', action: 'inventory.read', also: ['/new/menu'] },
  { path: '/answer-files', label: 'Answer files', action: 'inventory.read', also: ['/new/answer-file'] },
  {
    path: '/deployments',
    label: 'Deploy',
    action: 'boots.read',
    also: ['/new/deployment', '/rollouts', '/new/rollout'],
  },
  { path: '/setup', label: 'Set-up', action: 'system.read', also: ['/changes', '/codes'] },
]

export type LayoutDeps = {
  views: Views
  assets: Assets
  /** The name of the site, in the header of every page. */
  siteName: string | undefined
  version: string
  /** The name of the command line in this installation. */
  command: string
}

export type Frame = { path: string; origin: string; principal: Principal | undefined; notice: string | undefined }

/** The whole HTML of a page. */
export function renderPage(
  { views, assets, siteName, version, command }: LayoutDeps,
  { view, title, data = {}, commands = [], bare = false, theme }: Page,
  { path, origin, principal, notice }: Frame,
): string {
  const role = principal?.role
  const shared = sharedBy(assets, origin, principal)
  const content = views(view, { ...shared, ...data })
  const entries = role === undefined || bare ? [] : navigation.filter(({ action }) => may(role, action))
  return views('layout', {
    ...shared,
    ...{ title, content, notice, bare, theme, version, siteName },
    person: principal && { name: principal.actor.replace(/^person /, ''), role: principal.role },
    navigation: entries.map((entry) => ({
      ...entry,
      current: [entry.path, ...(entry.also ?? [])].some((place) => isCurrent(place, path)),
    })),
    commands: commands.map((line) => commandLines(line, origin, command)),
  })
}

/** The HTML of a part of a page, without the frame. */
export function renderPart(
  { views, assets }: LayoutDeps,
  view: string,
  data: object,
  { origin, principal }: Pick<Frame, 'origin' | 'principal'>,
): string {
  return views(view, { ...sharedBy(assets, origin, principal), ...data })
}

/** What every view may use. */
function sharedBy(assets: Assets, origin: string, principal: Principal | undefined) {
  const role = principal?.role
  return { asset: assets.url, origin, may: (action: Action) => role !== undefined && may(role, action) }
}

function isCurrent(entry: string, path: string): boolean {
  return entry === '/' ? path === '/' : path === entry || path.startsWith(`${entry}/`)
}
