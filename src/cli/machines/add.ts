// `bootwright machine add` and `delete`.
import type { Command } from 'commander'
import type { MachineSaved } from '../../api/schemas/machines/machine.ts'
import { withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { machineArgument, machinePath } from './argument.ts'
import { imageOption } from './assignment-options.ts'
import { machineChange, type SetOptions } from './change.ts'
import { addDryRun, countedPath, deleteCounted, printConcerns } from './concerns.ts'
import { collectLabel, collectMac } from './readers.ts'
import { summaryOf } from './summary.ts'

/** `bootwright machine add` and `delete`. */
export function addMachineAddCommands(machine: Command, deps: CliDeps): void {
  addDryRun(machine.command('add'))
    .description('create a machine by its UUID, its serial with product, or a MAC')
    .option('--uuid <uuid>', 'SMBIOS system UUID')
    .option('--serial <serial>', 'serial number, with --product')
    .option('--product <product>', 'product name')
    .option('--mac <mac>', 'MAC address (repeatable)', collectMac)
    .option('--hostname <name>', 'host name')
    .addOption(imageOption())
    .option('--label <key=value>', 'label (repeatable)', collectLabel)
    .action(async ({ mac: macs, dryRun, ...options }: SetOptions, command: Command) => {
      const body = { ...machineChange(options, []), ...(macs && { macs }) }
      const saved = await clientOf(command, deps).ask<MachineSaved>('POST', countedPath('/machines', dryRun), body)
      print(command, deps, saved, summaryOf)
      printConcerns(deps, saved.concerns)
    })

  addDryRun(machine.command('delete'))
    .description('delete a machine and its deployments; its boots stay')
    .addArgument(machineArgument())
    .option('--yes', 'cancel an active deployment of the machine first')
    .action(async (named: string, { yes, dryRun }: { yes?: true; dryRun?: true }, command: Command) => {
      const path = withQuery(machinePath(named), { cancelDeployment: yes && 'true' })
      await deleteCounted(clientOf(command, deps), deps, path, `machine ${named}`, dryRun)
    })
}
