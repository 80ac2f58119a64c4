// `bootwright file`.
import { type Command, InvalidArgumentError } from 'commander'
import type { ClearLine, StoredFile } from '../../api/schemas/images/file.ts'
import { formatBytes, formatCount } from '../../lib/text/format.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { streamLines } from '../shell/lines.ts'
import { formatTable } from '../shell/table.ts'
import { verifyAndPrint } from './verify.ts'

/** `bootwright file`. */
export function addFileCommand(program: Command, deps: CliDeps): void {
  const file = program.command('file').description('manage stored files, the parts of images')

  file
    .command('list')
    .description('list stored files')
    .option('--damaged', 'only damaged files')
    .action(async ({ damaged }: { damaged?: true }, command: Command) => {
      const all = await clientOf(command, deps).list<StoredFile>('/files')
      const items = damaged ? all.filter((file) => file.damage !== null) : all
      print(command, deps, { items }, () =>
        formatTable(
          ['NAME', 'SIZE', 'UPLOADED', 'VERIFIED', 'SHA256', 'DAMAGE'],
          items.map((row) => [
            row.name,
            formatBytes(row.sizeBytes),
            formatTime(row.createdAt),
            formatTime(row.checkedAt),
            row.sha256,
            row.damage,
          ]),
        ),
      )
    })

  file
    .command('verify')
    .description('verify stored files (all, if none is given)')
    .argument('[sha256...]', 'sha256 of the file, as listed', parseHash)
    .action(async (hashes: string[], _options, command: Command) => {
      await verifyAndPrint(command, deps, clientOf(command, deps), hashes.length > 0 ? { files: hashes } : {})
    })

  file
    .command('gc')
    .description('delete files that nothing refers to, and bytes without a record; without --yes, only list them')
    .option('--yes', 'delete them')
    .option(
      '--older-than <hours>',
      'minimum age in hours: the image of a newer file may not be saved yet',
      parseHours,
      24,
    )
    .action(async ({ yes = false, olderThan }: { yes?: boolean; olderThan: number }, command: Command) => {
      const body = { dryRun: !yes, olderThanHours: olderThan }
      const items: Extract<ClearLine, { sha256: string }>[] = []
      let end: Extract<ClearLine, { kind: 'end' }> | undefined
      for await (const line of streamLines<ClearLine>(clientOf(command, deps), '/files/gc', body)) {
        if (line.kind === 'error') throw new Error(line.error)
        if (line.kind === 'end') end = line
        else items.push(line)
      }
      if (end === undefined) throw new Error('the server interrupted the work')
      print(command, deps, { items, ...end, kind: undefined }, () => formatGarbage(items))
      const total = `${formatCount(end.files, 'file')}, ${formatBytes(end.bytes)}`
      deps.err(yes ? `deleted: ${total}\n` : `nothing is deleted yet; --yes deletes ${total}\n`)
      if (end.damaged > 0) throw new Error(`damaged: ${formatCount(end.damaged, 'file')}; upload them again`)
    })

  file
    .command('delete')
    .description('delete a file that nothing refers to')
    .argument('<sha256>', 'sha256 of the file, as listed', (text: string) => parseHash(text)[0])
    .action(async (sha256: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', `/files/${sha256}`)
      deps.err(`file ${sha256} deleted\n`)
    })
}

function formatGarbage(items: Extract<ClearLine, { sha256: string }>[]): string {
  if (items.length === 0) return 'nothing to delete'
  return formatTable(
    ['FILE', 'SIZE', 'SHA256', 'REASON'],
    items.map((row) => [
      'name' in row ? row.name : '',
      formatBytes(row.sizeBytes),
      row.sha256,
      row.kind === 'damaged' ? `damaged: ${row.damage}` : row.kind === 'unnamed' ? 'not referred to' : 'not recorded',
    ]),
  )
}

/** Parses a repeatable argument. */
function parseHash(text: string, before: string[] = []): string[] {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new InvalidArgumentError('Expected a sha256: 64 lower-case hexadecimal digits.')
  return [...before, text]
}

function parseHours(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('Expected a whole number of hours.')
  return Number(text)
}
