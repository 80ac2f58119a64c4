// /setup/settings: the current settings, and where each comes from.
import type { About, SettingList } from '../../api/schemas/system/server.ts'
import type { PageHandler } from '../http/visit.ts'

export const settings: PageHandler = async ({ api, query }) => {
  const [{ items }, about] = await Promise.all([
    api.ask<SettingList>('GET', '/settings'),
    api.ask<About>('GET', '/about'),
  ])
  const all = query.has('all')
  const set = items.filter(({ source }) => source === 'environment')
  const usual = items.filter(({ source }) => source !== 'environment')
  return {
    view: 'system/settings',
    title: 'Settings',
    data: { set, usual, about, all, tab: 'settings' },
    commands: [{ title: 'List the settings', path: '/settings', cli: 'settings' }],
  }
}
