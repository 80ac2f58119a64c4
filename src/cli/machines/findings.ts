// `bootwright findings`.
import type { Command } from 'commander'
import type { FindingList } from '../../api/schemas/machines/finding.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { printable } from '../shell/format.ts'

/** `bootwright findings`. */
export function addFindingsCommand(program: Command, deps: CliDeps): void {
  program
    .command('findings')
    .description(
      'list problems to resolve: uncertain identities, unexpected machines, machines that install at every boot, and stopped rollouts',
    )
    .action(async (_options, command: Command) => {
      const { items } = await clientOf(command, deps).ask<FindingList>('GET', '/findings')
      print(command, deps, { items }, () =>
        items.length === 0
          ? 'no findings'
          : items.map(({ code, what, nextStep }) => printable(`${code}: ${what}\n  ${nextStep}`)).join('\n'),
      )
    })
}
