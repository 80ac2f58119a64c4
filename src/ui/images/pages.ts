// The URLs of the pages about images.
import type { Route } from '../http/route.ts'
import * as files from './files.ts'
import * as image from './image.ts'
import * as imports from './imports.ts'
import * as list from './list.ts'
import * as added from './new.ts'
import * as recipes from './recipes.ts'
import * as versions from './versions.ts'

export const imagePages: Route[] = [
  ['get', '/images', list.list, 'inventory.read'],
  ['get', '/recipes', recipes.list, 'inventory.read'],
  ['post', '/recipes', recipes.start, 'images.edit'],
  ['post', '/recipes/check', recipes.check, 'images.edit'],
  ['get', '/new/image', added.form, 'images.edit'],
  ['post', '/new/image', added.start, 'images.edit'],
  ['post', '/uploads/:id/delete', added.removeUpload, 'files.upload'],
  ['get', '/images/:name', image.get, 'inventory.read'],
  ['post', '/images/:name', image.save, 'images.edit'],
  ['get', '/images/:name/diff', versions.diff, 'inventory.read'],
  ['post', '/images/:name/promote', versions.promote, 'images.edit'],
  ['post', '/images/:name/verify', versions.verify, 'images.edit'],
  ['get', '/images/:name/delete', versions.askDelete, 'images.delete'],
  ['post', '/images/:name/delete', versions.remove, 'images.delete'],
  ['get', '/images/:name/versions/:version/delete', versions.askDelete, 'images.delete'],
  ['post', '/images/:name/versions/:version/delete', versions.remove, 'images.delete'],
  ['get', '/files', files.list, 'inventory.read'],
  ['post', '/files/verify', files.verify, 'images.edit'],
  ['post', '/files/unused', files.findUnused, 'files.delete'],
  ['post', '/files/clear', files.clear, 'files.delete'],
  ['get', '/imports', imports.list, 'inventory.read'],
  ['get', '/imports/:id', imports.get, 'inventory.read'],
  ['post', '/imports/:id/cancel', imports.cancel, 'images.edit'],
  ['post', '/imports/:id/retry', imports.retry, 'images.edit'],
]
