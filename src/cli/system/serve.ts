// `bootwright serve`.
import type { Command } from 'commander'
import { listSettings } from '../../config/config.ts'
import type { CliDeps } from '../shell/deps.ts'
import { formatTable } from '../shell/table.ts'

/** `bootwright serve`. */
export function addServeCommand(program: Command, deps: CliDeps): void {
  program
    .command('serve')
    .description('run the server until SIGINT or SIGTERM')
    .addHelpText('after', () => `\nSettings, from the environment:\n${settingsTable()}`)
    .action(() => deps.serve())
}

function settingsTable(): string {
  const rows = listSettings().map(({ name, fallback, meaning }) => [name, fallback || '-', meaning])
  return formatTable(['NAME', 'DEFAULT', 'MEANING'], rows)
}
