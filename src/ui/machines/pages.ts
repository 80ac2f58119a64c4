// The URLs of the pages about machines.
import type { Route } from '../http/route.ts'
import { actOnMachines, undoDeletion } from './actions.ts'
import * as machines from './machines.ts'

export const machinePages: Route[] = [
  ['get', '/machines', machines.list, 'inventory.read'],
  ['post', '/machines/actions', actOnMachines, 'machines.edit'],
  ['post', '/machines/undo', undoDeletion, 'machines.edit'],
]
