import type { Command } from 'commander'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { printable } from '../shell/format.ts'

type Finding = { code: string; what: string; nextStep: string }

/** `bootwright findings`. */
export function addFindingsCommand(program: Command, deps: CliDeps): void {
  program
    .command('findings')
    .description('list what should be settled: identities in doubt, and machines that install at every boot')
    .action(async (_options, command: Command) => {
      const { items } = await clientOf(command, deps).ask<{ items: Finding[] }>('GET', '/findings')
      print(command, deps, { items }, () =>
        items.length === 0
          ? 'nothing to settle'
          : items.map(({ code, what, nextStep }) => printable(`${code}: ${what}\n  ${nextStep}`)).join('\n'),
      )
    })
}
