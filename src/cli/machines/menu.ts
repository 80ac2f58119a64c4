// `bootwright menu`.
import type { Command } from 'commander'
import type { Menu } from '../../api/schemas/machines/menu.ts'
import { formatImageRef } from '../../model/image.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { readJson } from '../shell/json-file.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'

/** `bootwright menu`. */
export function addMenuCommand(program: Command, deps: CliDeps): void {
  const menu = program.command('menu').description('manage menus on the screens of machines')

  menu
    .command('set')
    .description(
      'create or change a menu from JSON: {"title", "timeoutSeconds", "defaultEntry", "entries": [{"name", "text", "kind", …}]}; other fields stay, null removes a field',
    )
    .argument('<name>', 'name of the menu: a-z 0-9 . _ -')
    .argument('<file>', 'JSON file, - for standard input')
    .option('--replace', 'clear all other fields')
    .action(async (name: string, file: string, { replace }: { replace?: true }, command: Command) => {
      const client = clientOf(command, deps)
      const body = await readJson(deps, file)
      const fresh = replace || (await client.find<Menu>(pathOf('menus', name))) === undefined
      const saved = await client.ask<Menu>(fresh ? 'PUT' : 'PATCH', pathOf('menus', name), body)
      print(command, deps, saved, formatMenu)
      for (const notice of saved.notices ?? []) deps.err(`warning: ${notice}\n`)
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

  menu
    .command('delete')
    .description('delete a menu that nothing refers to')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', pathOf('menus', name))
      deps.err(`menu ${name} deleted\n`)
    })
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
