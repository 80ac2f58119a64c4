import type { Command } from 'commander'
import type { RootContent } from 'mdast'
import { createProgram } from '../../src/cli/program.ts'
import { code, formatPage, generatedFrom, heading, paragraph, table, text } from './markdown.ts'

/** Every command of the program with its arguments and options, as its help describes them. */
export function cliPage(): string {
  const program = createProgram({ serve: async () => {}, env: {}, out: () => {}, err: () => {} })
  const commands = listCommands(program)
  return formatPage([
    heading(1, 'Command line'),
    generatedFrom('src/cli'),
    paragraph(
      text('In a checkout, type '),
      code('npm run bootwright --'),
      text(' in place of '),
      code('bootwright'),
      text('. Settings of the server: '),
      { type: 'link', url: 'settings.md', children: [text('settings')] },
      text('.'),
    ),
    heading(2, 'Global options'),
    ...optionsOf(program),
    ...commands.flatMap(describeCommand),
  ])
}

/** The command's subcommands, each followed by its own. */
function listCommands(command: Command): Command[] {
  const visible = command.createHelp().visibleCommands(command)
  return visible.filter((child) => child.name() !== 'help').flatMap((child) => [child, ...listCommands(child)])
}

function describeCommand(command: Command): RootContent[] {
  const help = command.createHelp()
  const usage = help.commandUsage(command)
  const isGroup = command.commands.length > 0
  const fullName = nameOf(command)
  const args = help.visibleArguments(command)
  return [
    heading(command.parent?.parent ? 3 : 2, fullName),
    paragraph(text(sentence(command.description()))),
    ...(isGroup && args.length === 0 && command.options.length === 0
      ? []
      : [{ type: 'code', lang: 'text', value: usage } as const]),
    ...(args.length === 0
      ? []
      : [
          table(
            ['argument', 'meaning'],
            args.map((arg) => [code(arg.name()), text(help.argumentDescription(arg))]),
          ),
        ]),
    ...optionsOf(command),
  ]
}

function optionsOf(command: Command): RootContent[] {
  const help = command.createHelp()
  const options = help.visibleOptions(command).filter((option) => option.long !== '--help')
  if (options.length === 0) return []
  return [
    table(
      ['option', 'meaning'],
      options.map((option) => [code(help.optionTerm(option)), text(help.optionDescription(option))]),
    ),
  ]
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name()
}

/** A description, which has no capital and no full stop in the help, as a sentence. */
function sentence(description: string): string {
  return `${description.charAt(0).toUpperCase()}${description.slice(1)}.`
}
