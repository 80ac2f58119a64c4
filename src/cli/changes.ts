import { type Command, InvalidArgumentError } from 'commander'
import { withQuery } from './client.ts'
import { type CliDeps, clientOf, print } from './deps.ts'
import { formatTime, printable } from './format.ts'
import { linesOf } from './lines.ts'
import { formatTable } from './table.ts'

type Change = { at: string; actor: string; type: string; subject: string; before?: unknown; after?: unknown }
type Options = { of?: string; type?: string; by?: string; limit: number; follow?: true }

/** `bootwright changes`. */
export function addChangesCommand(program: Command, deps: CliDeps): void {
  program
    .command('changes')
    .description('what was changed, by whom, newest first; or as it happens')
    .option('--of <subject>', 'a machine by its MAC or id, anything else by its name')
    .option('--type <type>', 'like machine.changed, or only machine')
    .option('--by <actor>', "like 'token ci', operator, 'machine 52:54:00:12:34:56'")
    .option('--limit <n>', 'so many at most', parseCount, 20)
    .option('--follow', 'print changes as they happen, until stopped')
    .action(async ({ of, type, by, limit, follow }: Options, command: Command) => {
      const client = clientOf(command, deps)
      const { json } = command.optsWithGlobals<{ json?: boolean }>()
      if (follow) {
        const { texts } = await client.stream('GET', withQuery('/events', { types: type }))
        for await (const line of linesOf(texts)) {
          if (!line.startsWith('data: ')) continue
          const change = JSON.parse(line.slice(6)) as Change
          if (change.type !== undefined) deps.out(`${printable(json ? line.slice(6) : rowOf(change).join('  '))}\n`)
        }
        return
      }
      const items = await client.list<Change>('/changes', { subject: of, type, actor: by }, 'before', limit)
      print(command, deps, { items }, () => formatTable(['WHEN', 'WHO', 'WHAT', 'OF', 'HOW'], items.map(rowOf)))
    })
}

function rowOf({ at, actor, type, subject, before, after }: Change): string[] {
  return [formatTime(at), actor, type, subject, difference(before, after)]
}

/** What differs, `name: before -> after`, shortened. */
function difference(before: unknown, after: unknown): string {
  const [old, now] = [before, after].map((one) => (one ?? {}) as Record<string, unknown>) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ]
  const said = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value))
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((name) => said(old[name]) !== said(now[name]))
    .map((name) =>
      before === undefined ? `${name}: ${said(now[name])}` : `${name}: ${said(old[name])} -> ${said(now[name])}`,
    )
    .map((text) => (text.length > 80 ? `${text.slice(0, 77)}...` : text))
    .join('; ')
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It is a number from 1 to 9999999.')
  return Number(text)
}
