// What names a menu or an answer file, with the pages of the users.
import type { Uses } from '../../api/schemas/machines/uses.ts'
import { type ApiClient, pathOf } from '../http/client.ts'
import { count } from '../http/format.ts'

/** A user, with its page. */
export type Use = { text: string; path: string }

/** @param path of the thing, such as `/menus/rescue` */
export async function findUses(api: ApiClient, path: string, name: string): Promise<Use[]> {
  const { assigned, groups, menus, policy, deployments } = await api.ask<Uses>('GET', `${path}/uses`)
  const ofMachines = path.startsWith('/menus/') ? `/machines?menu=${encodeURIComponent(name)}` : '/machines'
  return [
    ...(assigned > 0 ? [{ text: `${count(assigned, 'machine')} by own assignment`, path: ofMachines }] : []),
    ...groups.map((group) => ({ text: `group ${group}`, path: pathOf('groups', group) })),
    ...menus.map(({ menu, entry }) => ({ text: `entry ${entry} of menu ${menu}`, path: pathOf('menus', menu) })),
    ...(policy ? [{ text: 'the policy for unknown machines', path: '/setup/policy' }] : []),
    ...(deployments > 0 ? [{ text: count(deployments, 'active deployment'), path: '/deployments?state=active' }] : []),
  ]
}
