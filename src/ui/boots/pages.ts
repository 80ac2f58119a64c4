// The URLs of the pages about boots.
import type { Route } from '../http/route.ts'
import * as boots from './boots.ts'
import * as now from './now/now.ts'

export const bootPages: Route[] = [
  ['get', '/', now.page, 'boots.read'],
  ['get', '/now/live', now.live, 'boots.read'],
  ['get', '/wall', now.wall, 'boots.read'],
  ['get', '/wall/live', now.wallLive, 'boots.read'],
  ['get', '/boots', boots.list, 'boots.read'],
  ['get', '/boots/:id', boots.show, 'boots.read'],
]
