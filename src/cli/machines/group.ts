// `bootwright group`.
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Group } from '../../api/schemas/machines/group.ts'
import type { Condition } from '../../model/selector.ts'
import { type CliDeps, clientOf, collect, print } from '../shell/deps.ts'
import { cut } from '../shell/difference.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'
import {
  type AssignmentOptions,
  addAssignmentOptions,
  assignmentChange,
  formatAssignment,
} from './assignment-options.ts'
import { clearHelp, clearing, merged } from './clear.ts'
import { addDryRun, countedPath, deleteCounted, printConcerns } from './concerns.ts'
import { collectConditions, formatSelector } from './selector.ts'

type SetOptions = AssignmentOptions & {
  where?: Condition[]
  everybody?: true
  priority?: number
  title?: string
  clear?: string[]
  replace?: true
  dryRun?: true
}

/** `bootwright group`. */
export function addGroupCommand(program: Command, deps: CliDeps): void {
  const group = program
    .command('group')
    .description('manage groups: machines that match conditions, and what they boot')

  addAssignmentOptions(
    group
      .command('set')
      .description('create or change a group; other fields stay')
      .argument('<name>', 'name of the group: a-z 0-9 . _ -')
      .option(
        '--where <condition>',
        'condition for the machines: product=X1, product^=Power, hostname~=web*, mac@=A,B, ip/=10.0.0.0/8, label.rack=b4, serial?, serial! (repeatable; all must hold)',
        collectConditions,
      )
      .addOption(new Option('--everybody', 'match every machine, without conditions').conflicts('where'))
      .option(
        '--priority <n>',
        'priority: if several groups match, the highest comes first (default: 0)',
        parsePriority,
      )
      .option('--title <title>', 'title for people'),
  )
    .option('--clear <field>', clearHelp, collect)
    .option('--replace', 'clear all other fields')
    .option('--dry-run', 'change nothing; show how many machines it concerns')
    .action(async (name: string, options: SetOptions, command: Command) => {
      const { where, everybody, priority, title, clear = [], replace, dryRun } = options
      const client = clientOf(command, deps)
      const fresh = replace || (await client.find<Group>(pathOf('groups', name))) === undefined
      if (fresh && where === undefined && !everybody)
        command.error(`error: expected --where CONDITION, or --everybody for every machine`)
      const given = {
        ...(where && { selector: where }),
        ...(everybody && { everybody }),
        ...(priority !== undefined && { priority }),
        ...(title !== undefined && { title: title || null }),
        ...((fresh || assignmentChange(options)) && { assignment: assignmentChange(options) ?? {} }),
      }
      const change = fresh ? given : merged(clearing(clear, ['title', 'priority']), given)
      const saved = await client.ask<Group>(
        fresh ? 'PUT' : 'PATCH',
        countedPath(pathOf('groups', name), dryRun),
        change,
      )
      print(command, deps, saved, formatGroup)
      for (const notice of saved.notices ?? []) deps.err(`notice: ${notice}\n`)
      printConcerns(deps, saved.concerns)
    })

  group
    .command('list')
    .description('list groups, highest priority first')
    .action(async (_options, command: Command) => {
      const items = await clientOf(command, deps).list<Group>('/groups')
      const ordered = items.sort(
        (a, b) => b.priority - a.priority || b.selector.length - a.selector.length || (a.name < b.name ? -1 : 1),
      )
      print(command, deps, { items: ordered }, () =>
        formatTable(
          ['NAME', 'PRIORITY', 'WHERE', 'BOOTS', 'TITLE'],
          ordered.map((row) => [
            row.name,
            String(row.priority),
            cut(formatSelector(row.selector), 60),
            cut(formatAssignment(row.assignment), 60),
            row.title,
          ]),
        ),
      )
    })

  group
    .command('show')
    .description('show a group')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<Group>('GET', pathOf('groups', name)), formatGroup)
    })

  addDryRun(group.command('delete'))
    .description('delete a group and its secrets')
    .argument('<name>')
    .action(async (name: string, { dryRun }: { dryRun?: true }, command: Command) =>
      deleteCounted(clientOf(command, deps), deps, pathOf('groups', name), `group ${name}`, dryRun),
    )
}

function parsePriority(text: string): number {
  if (!/^-?\d{1,7}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

function formatGroup({ name, priority, selector, assignment }: Group): string {
  return `${name} (priority ${priority}): ${formatSelector(selector)}: ${formatAssignment(assignment) || 'nothing'}`
}
