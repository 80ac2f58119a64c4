// The URLs of the pages about images.
import type { Route } from '../http/route.ts'
import * as imports from './imports.ts'
import * as list from './list.ts'
import * as recipes from './recipes.ts'

export const imagePages: Route[] = [
  ['get', '/images', list.list, 'inventory.read'],
  ['get', '/images/recipes', recipes.list, 'inventory.read'],
  ['post', '/images/recipes', recipes.start, 'images.edit'],
  ['post', '/images/recipes/check', recipes.check, 'images.edit'],
  ['get', '/imports', imports.list, 'inventory.read'],
  ['get', '/imports/:id', imports.get, 'inventory.read'],
  ['post', '/imports/:id/cancel', imports.cancel, 'images.edit'],
  ['post', '/imports/:id/retry', imports.retry, 'images.edit'],
]
