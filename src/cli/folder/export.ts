// `bootwright export`.
import type { Command } from 'commander'
import type { ExportedFolder } from '../../api/schemas/system/folder.ts'
import { withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { operatorPath } from '../shell/path.ts'
import { maxFileBytes } from './files.ts'
import { filesOfFolder } from './layout.ts'
import { writeFolder } from './write-folder.ts'

/** `bootwright export`. */
export function addExportCommand(program: Command, deps: CliDeps): void {
  program
    .command('export')
    .description(
      'export groups, menus, answer files, images, recipes and the policy as a folder of YAML for apply, without secrets',
    )
    .argument('<folder>', 'folder to write; files that have the same fields already stay as they are')
    .option('--owner <name>', 'export only what this folder applied before')
    .option('--replace', 'delete files of things that are not on the server')
    .action(async (folder: string, { owner, replace }: { owner?: string; replace?: true }, command: Command) => {
      const exported = await clientOf(command, deps).ask<ExportedFolder>('GET', withQuery('/export', { owner }))
      const files = filesOfFolder(exported)
      const written = await writeFolder(operatorPath(deps, folder), files, replace ?? false)
      for (const [path, text] of files)
        if (Buffer.byteLength(text) > maxFileBytes)
          deps.err(`${path}: apply reads at most ${maxFileBytes} bytes of a file\n`)
      for (const line of exported.omitted) deps.err(`not exported: ${line}\n`)
      print(
        command,
        deps,
        written,
        ({ written, deleted, same }) =>
          `${folder}: ${written} files written, ${deleted} deleted, ${same} already as on the server`,
      )
    })
}
