import type { Check } from '../run.ts'
import type { ServerContext } from './context.ts'
import { checkDatabase } from './database.ts'
import { checkDisk } from './disk.ts'
import { checkFiles } from './files.ts'
import { checkForeignServers } from './foreign.ts'
import { checkInventory } from './inventory.ts'
import { checkMachines } from './machines.ts'
import { checkNbps } from './nbps.ts'
import { checkPorts } from './ports.ts'
import { checkBaseUrl, checkSettings } from './urls.ts'

/** The checks of the server itself. They send nothing to the boot network. */
export function serverChecks(context: ServerContext): Check[] {
  return [
    { name: 'database', run: () => checkDatabase(context) },
    { name: 'disk', run: () => checkDisk(context) },
    { name: 'boot programs', run: () => checkNbps(context) },
    { name: 'UDP ports', run: () => checkPorts(context) },
    { name: 'base URL', run: () => checkBaseUrl(context) },
    { name: 'settings', run: () => checkSettings(context) },
    { name: 'files of images', maxMs: 20_000, run: (signal) => checkFiles(context, signal) },
    { name: 'assignments', maxMs: 20_000, run: (signal) => checkMachines(context, signal) },
    { name: 'inventory', run: () => checkInventory(context) },
    { name: 'foreign servers', run: () => checkForeignServers(context) },
  ]
}
