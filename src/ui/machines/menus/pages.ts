// The URLs of the pages about menus.
import type { Route } from '../../http/route.ts'
import * as edit from './edit.ts'
import * as menus from './menus.ts'

export const menuPages: Route[] = [
  ['get', '/menus', menus.list, 'inventory.read'],
  ['get', '/new/menu', edit.newPage, 'menus.edit'],
  ['post', '/new/menu', edit.save, 'menus.edit'],
  ['post', '/new/menu/preview', edit.preview, 'menus.edit'],
  ['get', '/menus/:name', edit.get, 'inventory.read'],
  ['post', '/menus/:name', edit.save, 'menus.edit'],
  ['post', '/menus/:name/preview', edit.preview, 'menus.edit'],
  ['get', '/menus/:name/delete', menus.deletePage, 'menus.edit'],
  ['post', '/menus/:name/delete', menus.remove, 'menus.edit'],
]
