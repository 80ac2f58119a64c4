// The URLs of the pages about machines.
import type { Route } from '../http/route.ts'
import { archive, archived, remove, restore } from './archived.ts'
import { actOnMachines, undoDeletion } from './bulk/actions.ts'
import { uploadForm, uploadRows } from './bulk/upload.ts'
import { discovered, enter } from './discovered.ts'
import { expected } from './expected.ts'
import * as machines from './machines.ts'
import * as machine from './one/machine.ts'
import { merge } from './one/merge.ts'
import { create, newMachine } from './one/new-machine.ts'
import { power } from './one/power.ts'
import { removeSecret, setSecret } from './one/secrets.ts'

export const machinePages: Route[] = [
  ['get', '/machines', machines.list, 'inventory.read'],
  ['post', '/machines/actions', actOnMachines, 'machines.edit'],
  ['post', '/machines/undo', undoDeletion, 'machines.edit'],
  ['get', '/machines/discovered', discovered, 'inventory.read'],
  ['post', '/machines/discovered', enter, 'machines.edit'],
  ['get', '/machines/expected', expected, 'inventory.read'],
  ['get', '/machines/archived', archived, 'inventory.read'],
  ['post', '/machines/archived/:id/restore', restore, 'machines.edit'],
  ['post', '/machines/archived/:id/delete', remove, 'machines.edit'],
  ['post', '/machines/:id/archive', archive, 'machines.edit'],
  ['get', '/new/machine', newMachine, 'machines.edit'],
  ['post', '/new/machine', create, 'machines.edit'],
  ['get', '/machines/upload', uploadForm, 'machines.edit'],
  ['post', '/machines/upload', uploadRows, 'machines.edit'],
  ['post', '/machines/:id/merge', merge, 'machines.edit'],
  ['get', '/machines/:id', machine.show, 'inventory.read'],
  ['post', '/machines/:id', machine.save, 'machines.edit'],
  ['post', '/machines/:id/preview', machine.preview, 'machines.edit'],
  ['post', '/machines/:id/power', power, 'power.use'],
  ['post', '/machines/:id/secrets', setSecret, 'secrets.edit'],
  ['post', '/machines/:id/secrets/:secret/delete', removeSecret, 'secrets.edit'],
]
