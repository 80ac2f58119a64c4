// /menus: the menus, and their deletion.
import type { Menu } from '../../../api/schemas/machines/menu.ts'
import { deleteNamed } from '../../forms/named.ts'
import { pathOf, type RefusedError, withQuery } from '../../http/client.ts'
import type { Listed } from '../../http/listed.ts'
import type { Page, PageHandler, Visit } from '../../http/visit.ts'
import { findUses } from '../uses.ts'
import { requireMenu } from './edit.ts'

export const list: PageHandler = async ({ api, query }) => {
  const path = withQuery('/menus', { limit: '100', after: query.get('after') })
  const { items, next } = await api.ask<Listed<Menu>>('GET', path)
  return {
    view: 'menus/list',
    title: 'Menus',
    data: { menus: items, next: next && withQuery('/menus', { after: next }), isFirst: !query.has('after') },
    commands: [{ title: 'List menus', path, cli: 'menu list' }],
  }
}

export const deletePage: PageHandler = (visit) => showDeletion(visit)

export const remove: PageHandler = (visit) => deleteNamed(visit, 'menus', 'Menu', showDeletion)

async function showDeletion(visit: Visit, refusal?: RefusedError): Promise<Page> {
  const { menu, etag } = await requireMenu(visit)
  const path = pathOf('menus', menu.name)
  return {
    view: 'forms/delete',
    title: `Delete menu ${menu.name}`,
    data: {
      ...{ noun: 'menu', name: menu.name, back: path, etag, refusal },
      uses: await findUses(visit.api, path, menu.name),
      effect: 'This deletes the menu. The audit log keeps its entries.',
    },
    commands: [{ title: 'Delete the menu', method: 'DELETE', path, cli: `menu delete ${menu.name}` }],
  }
}
