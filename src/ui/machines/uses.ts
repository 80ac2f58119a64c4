// What names an image, a menu or an answer file, with the pages of the users.
import type { Uses } from '../../api/schemas/machines/uses.ts'
import { type ApiClient, pathOf, withQuery } from '../http/client.ts'
import { count } from '../http/format.ts'

/** A user, with its page. */
export type Use = { text: string; path: string }

/** @param path of the menu or answer file, such as `/menus/rescue` */
export async function findUses(api: ApiClient, path: string, name: string): Promise<Use[]> {
  const filter = path.startsWith('/menus/') ? { menu: name } : {}
  return usesOf(await api.ask<Uses>('GET', `${path}/uses`), filter)
}

/** @param filter the machines, as their list filters them */
export function usesOf(
  { assigned, groups, menus, policy, deployments }: Uses,
  filter: { image?: string; menu?: string },
): Use[] {
  const { image } = filter
  const active = withQuery('/deployments', image === undefined ? { state: 'active' } : { image })
  return [
    ...(assigned > 0
      ? [{ text: `${count(assigned, 'machine')} by own assignment`, path: withQuery('/machines', filter) }]
      : []),
    ...groups.map((group) => ({ text: `group ${group}`, path: pathOf('groups', group) })),
    ...menus.map(({ menu, entry }) => ({ text: `entry ${entry} of menu ${menu}`, path: pathOf('menus', menu) })),
    ...(policy ? [{ text: 'the policy for unknown machines', path: '/setup/policy' }] : []),
    ...(deployments > 0 ? [{ text: count(deployments, 'active deployment'), path: active }] : []),
  ]
}
