// `bootwright answer-file`.
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { AnswerFile, AnswerFileSaved, AnswerFileVersionList } from '../../api/schemas/images/answer-file.ts'
import { addDryRun, countedPath, deleteCounted, printConcerns } from '../machines/concerns.ts'
import { type CliDeps, clientOf, collect, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { readInput } from '../shell/json-file.ts'
import { parseVersion } from '../shell/numbers.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'

type SetOptions = { type?: string; title?: string; remove?: string[]; replace?: true; dryRun?: true }

/** `bootwright answer-file`. */
export function addAnswerFileCommand(program: Command, deps: CliDeps): void {
  const answers = program
    .command('answer-file')
    .description('manage answer files: preseed, kickstart, cloud-init and others, as Liquid texts')

  addDryRun(answers.command('set'))
    .description('add an answer file, or a new version of an answer file; other documents stay')
    .argument('<name>', 'name of the answer file: a-z 0-9 . _ -')
    .argument('[files...]', 'documents, each served under its file name (cloud-init: user-data meta-data …)')
    .option('--type <media-type>', 'media type of these files (default: text/plain)')
    .option('--title <title>', "title for people ('' removes it)")
    .option('--remove <document>', 'document to remove (repeatable)', collect)
    .option('--replace', 'remove all other documents, and the title unless given')
    .action(async (name: string, files: string[], options: SetOptions, command: Command) => {
      const { type, title, remove = [], replace, dryRun } = options
      const client = clientOf(command, deps)
      const fresh = replace || (await client.find<AnswerFile>(pathOf('answer-files', name))) === undefined
      const documents: object[] = []
      for (const file of files)
        documents.push({ name: basename(file), text: await readInput(deps, file), ...(type && { mediaType: type }) })
      if (!fresh) documents.push(...remove.map((document) => ({ name: document, text: null })))
      const given = title === undefined ? (replace ? null : undefined) : title || null
      const body = { documents, ...(given !== undefined && { title: given }) }
      const path = countedPath(pathOf('answer-files', name), dryRun)
      const saved = await client.ask<AnswerFileSaved>(fresh ? 'PUT' : 'PATCH', path, body)
      print(command, deps, saved, formatAnswerFile)
      printConcerns(deps, saved.concerns)
    })

  answers
    .command('list')
    .description('list answer files')
    .action(async (_options, command: Command) => {
      const items = await clientOf(command, deps).list<AnswerFile>('/answer-files')
      print(command, deps, { items }, () =>
        formatTable(
          ['NAME', 'VERSION', 'DOCUMENTS', 'TITLE', 'UPDATED'],
          items.map((row) => [row.name, String(row.version), namesOf(row), row.title, formatTime(row.updatedAt)]),
        ),
      )
    })

  answers
    .command('show')
    .description('show the documents of an answer file')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      const file = await clientOf(command, deps).ask<AnswerFile>('GET', pathOf('answer-files', name))
      print(command, deps, file, ({ documents }) =>
        documents.map((document) => `==> ${document.name} <==\n${document.text.trimEnd()}`).join('\n\n'),
      )
    })

  answers
    .command('versions')
    .description('list the versions of an answer file')
    .argument('<name>')
    .action(async (name: string, _options, command: Command) => {
      const { items } = await clientOf(command, deps).ask<AnswerFileVersionList>(
        'GET',
        pathOf('answer-files', name, 'versions'),
      )
      print(command, deps, { items }, () =>
        formatTable(
          ['VERSION', 'CURRENT', 'DOCUMENTS', 'CREATED'],
          items.map((row) => [String(row.version), row.current ? 'yes' : '', namesOf(row), formatTime(row.createdAt)]),
        ),
      )
    })

  addDryRun(answers.command('use'))
    .description('make another version current')
    .argument('<name>')
    .argument('<version>', 'number of the version', parseVersion)
    .action(async (name: string, version: number, { dryRun }: { dryRun?: true }, command: Command) => {
      const path = countedPath(pathOf('answer-files', name), dryRun)
      const file = await clientOf(command, deps).ask<AnswerFileSaved>('PATCH', path, { version })
      print(command, deps, file, formatAnswerFile)
      printConcerns(deps, file.concerns)
    })

  addDryRun(answers.command('delete'))
    .description('delete an answer file that nothing refers to')
    .argument('<name>')
    .action(async (name: string, { dryRun }: { dryRun?: true }, command: Command) =>
      deleteCounted(clientOf(command, deps), deps, pathOf('answer-files', name), `answer file ${name}`, dryRun),
    )
}

function namesOf({ documents }: Pick<AnswerFile, 'documents'>): string {
  return documents.map((document) => document.name).join(' ')
}

function formatAnswerFile(file: AnswerFile): string {
  return `${file.name} version ${file.version}: ${namesOf(file)}`
}
