// The URLs of the pages about groups.
import type { Route } from '../../http/route.ts'
import * as edit from './edit.ts'
import * as groups from './groups.ts'
import * as secrets from './secrets.ts'

export const groupPages: Route[] = [
  ['get', '/groups', groups.list, 'inventory.read'],
  ['get', '/new/group', edit.newPage, 'groups.edit'],
  ['post', '/new/group', edit.save, 'groups.edit'],
  ['post', '/new/group/preview', edit.preview, 'groups.edit'],
  ['get', '/groups/:name', edit.get, 'inventory.read'],
  ['post', '/groups/:name', edit.save, 'groups.edit'],
  ['post', '/groups/:name/preview', edit.preview, 'groups.edit'],
  ['get', '/groups/:name/delete', groups.deletePage, 'groups.edit'],
  ['post', '/groups/:name/delete', groups.remove, 'groups.edit'],
  ['post', '/groups/:name/secrets', secrets.set, 'secrets.edit'],
  ['post', '/groups/:name/secrets/:secret/delete', secrets.remove, 'secrets.edit'],
]
