// The pages of set-up that concern the server.
import type { Route } from '../http/route.ts'
import { policy, previewPolicy, savePolicy } from '../machines/policy.ts'
import { bootPrograms } from './boot-programs.ts'
import { code, codes } from './codes.ts'
import { dhcp, switchProxyDhcp } from './dhcp.ts'
import { acknowledgeServer, doctor, forgetServer, runDoctor } from './doctor.ts'
import { guide, live, startImport } from './guide.ts'
import { settings } from './settings.ts'

export const systemPages: Route[] = [
  ['get', '/setup', guide, 'system.read'],
  ['get', '/setup/live', live, 'system.read'],
  ['post', '/setup/image', startImport, 'images.edit'],
  ['get', '/setup/dhcp', dhcp, 'dhcp.read'],
  ['post', '/setup/proxy-dhcp', switchProxyDhcp, 'settings.edit'],
  ['get', '/setup/doctor', doctor, 'system.read'],
  ['post', '/setup/doctor', runDoctor, 'doctor.run'],
  ['post', '/setup/servers/:id/acknowledge', acknowledgeServer, 'foreign-servers.edit'],
  ['post', '/setup/servers/:id/delete', forgetServer, 'foreign-servers.edit'],
  ['get', '/setup/policy', policy, 'inventory.read'],
  ['post', '/setup/policy', savePolicy, 'policy.edit'],
  ['post', '/setup/policy/preview', previewPolicy, 'policy.edit'],
  ['get', '/setup/settings', settings, 'settings.read'],
  ['get', '/boot-programs', bootPrograms, 'inventory.read'],
  ['get', '/codes', codes, 'system.read'],
  ['get', '/codes/:code', code, 'system.read'],
]
