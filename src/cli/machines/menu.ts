// `bootwright menu`.
import type { Command } from 'commander'
import type { Menu } from '../../api/schemas/machines/menu.ts'
import { formatImageRef } from '../../model/image.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { readJson } from '../shell/json-file.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'
import { addDryRun, countedPath, deleteCounted, printConcerns } from './concerns.ts'

/** `bootwright menu`. */
export function addMenuCommand(program: Command, deps: CliDeps): void {
  const menu = program.command('menu').description('manage menus on the screens of machines')

  addDryRun(menu.command('set'))
    .description(
      'create or change a menu from JSON: {"title", "timeoutSeconds", "defaultEntry", "entries": [{"name", "text", "kind", …}]}; other fields stay, null removes a field',
    )
    .argument('<name>', 'name of the menu: a-z 0-9 . _ -')
    .argument('<file>', 'JSON file, - for standard input')
    .option('--replace', 'clear all other fields')
    .action(async (name: string, file: string, options: { replace?: true; dryRun?: true }, command: Command) => {
      const { replace, dryRun } = options
      const client = clientOf(command, deps)
      const body = await readJson(deps, file)
      const fresh = replace || (await client.find<Menu>(pathOf('menus', name))) === undefined
      const saved = await client.ask<Menu>(fresh ? 'PUT' : 'PATCH', countedPath(pathOf('menus', name), dryRun), body)
      print(command, deps, saved, formatMenu)
      for (const notice of saved.notices ?? []) deps.err(`warning: ${notice}\n`)
      printConcerns(deps, saved.concerns)
    })

  menu
    .command('list')
    .description('list menus')
    .action(async (_options, command: Command) => {
      const items = await clientOf(command, deps).list<Menu>('/menus')
      print(command, deps, { items }, () =>
        formatTable(
          ['NAME', 'TITLE', 'ENTRIES', 'DEFAULT'],
          items.map((row) => [row.name, row.title, row.entries.map((entry) => entry.name).join(' '), afterOf(row)]),
        ),
      )
    })

  menu
    .command('show')
    .description('show a menu')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<Menu>('GET', pathOf('menus', name)), formatMenu)
    })

  addDryRun(menu.command('delete'))
    .description('delete a menu that nothing refers to')
    .argument('<name>')
    .action(async (name: string, { dryRun }: { dryRun?: true }, command: Command) =>
      deleteCounted(clientOf(command, deps), deps, pathOf('menus', name), `menu ${name}`, dryRun),
    )
}

function afterOf({ defaultEntry, timeoutSeconds }: Menu): string {
  if (timeoutSeconds === undefined) return defaultEntry ?? ''
  return defaultEntry === undefined ? 'waits' : `${defaultEntry} after ${timeoutSeconds} s`
}

function formatMenu(menu: Menu): string {
  const rows = menu.entries.map((entry) => [
    entry.hotkey ?? '',
    entry.name,
    entry.text,
    [entry.kind, entry.kind === 'image' ? formatImageRef(entry) : entry.kind === 'menu' ? entry.menu : '']
      .filter(Boolean)
      .join(' '),
  ])
  return `${menu.name}: ${menu.title}  ${afterOf(menu)}\n\n${formatTable(['KEY', 'ENTRY', 'TEXT', 'ACTION'], rows)}`
}
