// `bootwright preview`.
import { type Command, Option } from 'commander'
import type { FilledAnswerFile } from '../../api/schemas/boots/preview.ts'
import { archs, platforms } from '../../model/arch.ts'
import { machineArgument, machineInPath } from '../machines/argument.ts'
import { withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'

/** `bootwright preview`. */
export function addPreviewCommand(program: Command, deps: CliDeps): void {
  program
    .command('preview')
    .description('show the script that a machine would get now, or its answer file, without changing anything')
    .addArgument(machineArgument())
    .addOption(new Option('--arch <arch>', 'architecture to assume').choices(archs))
    .addOption(new Option('--platform <platform>', 'firmware platform to assume').choices(platforms))
    .option('--answers', 'show the rendered answer file instead, with asterisks for secrets')
    .action(
      async (
        machine: string,
        { answers, ...target }: { answers?: true; arch?: string; platform?: string },
        command: Command,
      ) => {
        const client = clientOf(command, deps)
        const path = (what: string) => withQuery(`/machines/${machineInPath(machine)}/${what}`, target)
        if (answers) print(command, deps, await client.ask<FilledAnswerFile>('GET', path('answers')), formatAnswers)
        else print(command, deps, await client.text(path('script')), (script) => script.trimEnd())
      },
    )
}

function formatAnswers({ items, refusal }: FilledAnswerFile): string {
  if (refusal !== undefined) return `refused: ${refusal}`
  if (items.length === 0) return 'the machine has no answer file'
  if (items.length === 1) return items[0]?.text.trimEnd() ?? ''
  return items.map(({ name, text }) => `==> ${name} <==\n${text.trimEnd()}`).join('\n\n')
}
