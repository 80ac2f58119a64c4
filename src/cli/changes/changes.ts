// `bootwright changes`: the audit log.
import { type Command, Option } from 'commander'
import type { Change } from '../../api/schemas/changes/change.ts'
import { withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { difference } from '../shell/difference.ts'
import { formatTime, printable } from '../shell/format.ts'
import { linesOf } from '../shell/lines.ts'
import { parseCount } from '../shell/numbers.ts'
import { parseSince } from '../shell/since.ts'
import { formatTable } from '../shell/table.ts'

type Options = {
  of?: string
  type?: string
  by?: string
  since?: string
  after?: string
  limit: number
  follow?: true
}

/** `bootwright changes`. */
export function addChangesCommand(program: Command, deps: CliDeps): void {
  program
    .command('changes')
    .description('show the audit log, newest first, or follow it')
    .option('--of <subject>', 'MAC, UUID or host name of a machine, or the name of another object')
    .option('--type <type>', 'type of change: machine.changed, or a noun: machine')
    .option('--by <actor>', "actor: 'token ci', operator, 'machine 52:54:00:12:34:56'")
    .option('--limit <n>', 'maximum number of results', parseCount, 20)
    .option('--since <time>', 'earliest time: 2h, 7d, or an ISO 8601 time', parseSince)
    .addOption(
      new Option('--follow', 'print changes as they happen, each with its position, until interrupted').conflicts(
        'since',
      ),
    )
    .addOption(
      new Option('--after <place>', 'position to resume from, as printed by --follow; 0-0 is the beginning')
        .conflicts('since')
        .implies({ follow: true }),
    )
    .action(async ({ of, type, by, since, after, limit, follow }: Options, command: Command) => {
      const client = clientOf(command, deps)
      const { json } = command.optsWithGlobals<{ json?: boolean }>()
      if (follow) {
        const { texts } = await client.stream('GET', withQuery('/events', { types: type, after }))
        let place = ''
        for await (const line of linesOf(texts)) {
          if (line.startsWith('id: ')) place = line.slice(4)
          if (line === 'event: reset') deps.err('changes after that position are no longer kept\n')
          if (!line.startsWith('data: ')) continue
          const change = JSON.parse(line.slice(6)) as Change
          if (change.type === undefined) continue
          deps.out(`${printable(json ? JSON.stringify({ place, ...change }) : [place, ...rowOf(change)].join('  '))}\n`)
        }
        return
      }
      const items = await client.list<Change>('/changes', { subject: of, type, actor: by, since }, 'before', limit)
      print(command, deps, { items }, () =>
        formatTable(['TIME', 'ACTOR', 'TYPE', 'SUBJECT', 'CHANGE'], items.map(rowOf)),
      )
    })
}

function rowOf({ at, actor, type, subject, before, after }: Change): string[] {
  return [formatTime(at), actor, type, subject, difference(before, after)]
}
