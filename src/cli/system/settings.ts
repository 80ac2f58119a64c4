// `bootwright settings`.
import type { Command } from 'commander'
import type { SettingList } from '../../api/schemas/system/server.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTable } from '../shell/table.ts'

/** `bootwright settings`. */
export function addSettingsCommand(program: Command, deps: CliDeps): void {
  program
    .command('settings')
    .description('list the current settings of the server, and where each value comes from')
    .option('--changed', 'only settings that the environment sets')
    .action(async ({ changed }: { changed?: true }, command: Command) => {
      const { items: all } = await clientOf(command, deps).ask<SettingList>('GET', '/settings')
      const items = all.filter(({ source }) => !changed || source === 'environment')
      print(command, deps, { items }, () =>
        formatTable(
          ['NAME', 'VALUE', 'SOURCE', 'DEFAULT'],
          items.map((item) => [item.name, item.value, item.source, item.default]),
        ),
      )
    })
}
