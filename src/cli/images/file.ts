import { type Command, InvalidArgumentError } from 'commander'
import type { ClearLine, StoredFile } from '../../api/schemas/images/file.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatBytes, formatCount, formatTime } from '../shell/format.ts'
import { streamLines } from '../shell/lines.ts'
import { formatTable } from '../shell/table.ts'
import { tellVerified } from './verify.ts'

/** `bootwright file`. */
export function addFileCommand(program: Command, deps: CliDeps): void {
  const file = program.command('file').description('stored files: the bytes that images are made of')

  file
    .command('list')
    .description('list stored files')
    .option('--damaged', 'only those that are not what they should be')
    .action(async ({ damaged }: { damaged?: true }, command: Command) => {
      const all = await clientOf(command, deps).list<StoredFile>('/files')
      const items = damaged ? all.filter((one) => one.damage !== null) : all
      print(command, deps, { items }, () =>
        formatTable(
          ['NAME', 'SIZE', 'UPLOADED', 'CHECKED', 'SHA256', 'DAMAGE'],
          items.map((one) => [
            one.name,
            formatBytes(one.sizeBytes),
            formatTime(one.createdAt),
            formatTime(one.checkedAt),
            one.sha256,
            one.damage,
          ]),
        ),
      )
    })

  file
    .command('verify')
    .description('hash the bytes of files again; of all when none is named')
    .argument('[sha256...]', 'as listed', parseHash)
    .action(async (hashes: string[], _options, command: Command) => {
      await tellVerified(command, deps, clientOf(command, deps), hashes.length > 0 ? { files: hashes } : {})
    })

  file
    .command('gc')
    .description('clear away files that no image names and bytes that nobody recorded; without --yes only tell which')
    .option('--yes', 'remove them')
    .option('--older-than <hours>', 'what was uploaded later stays: its image may not be saved yet', parseHours, 24)
    .action(async ({ yes = false, olderThan }: { yes?: boolean; olderThan: number }, command: Command) => {
      const body = { dryRun: !yes, olderThanHours: olderThan }
      const items: Extract<ClearLine, { sha256: string }>[] = []
      let end: Extract<ClearLine, { kind: 'end' }> | undefined
      for await (const line of streamLines<ClearLine>(clientOf(command, deps), '/files/gc', body)) {
        if (line.kind === 'error') throw new Error(line.error)
        if (line.kind === 'end') end = line
        else items.push(line)
      }
      if (end === undefined) throw new Error('the server ended the clearing before its end')
      print(command, deps, { items, ...end, kind: undefined }, () => formatGarbage(items, yes))
      const total = `${formatCount(end.files, 'file')}, ${formatBytes(end.bytes)}`
      deps.err(yes ? `removed: ${total}\n` : `nothing is removed yet; --yes removes ${total}\n`)
      if (end.damaged > 0) throw new Error(`damaged: ${formatCount(end.damaged, 'file')}; upload again`)
    })

  file
    .command('delete')
    .description('delete a file that nothing names')
    .argument('<sha256>', 'as listed', (text: string) => parseHash(text)[0])
    .action(async (sha256: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', `/files/${sha256}`)
      deps.err(`file ${sha256} is deleted\n`)
    })
}

function formatGarbage(items: Extract<ClearLine, { sha256: string }>[], yes: boolean): string {
  if (items.length === 0) return 'there is nothing to clear away'
  return formatTable(
    ['FILE', 'SIZE', 'SHA256', yes ? 'WAS' : 'IS'],
    items.map((one) => [
      'name' in one ? one.name : '',
      formatBytes(one.sizeBytes),
      one.sha256,
      one.kind === 'damaged' ? `damaged: ${one.damage}` : one.kind === 'unnamed' ? 'named by nothing' : 'not recorded',
    ]),
  )
}

/** For arguments that may be given several times. */
function parseHash(text: string, before: string[] = []): string[] {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('It is a sha256 in lower-case hexadecimal.')
  return [...before, text]
}

function parseHours(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('It is a whole number of hours.')
  return Number(text)
}
