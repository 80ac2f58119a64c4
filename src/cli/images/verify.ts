// Verification of files on the server.
import type { Command } from 'commander'
import type { VerifyLine } from '../../api/schemas/images/file.ts'
import { formatBytes, formatCount } from '../../lib/text/format.ts'
import type { Client } from '../shell/client.ts'
import { type CliDeps, print } from '../shell/deps.ts'
import { streamLines } from '../shell/lines.ts'
import { startProgress } from '../shell/progress.ts'
import { formatTable } from '../shell/table.ts'

type Item = Extract<VerifyLine, { kind: 'checked' | 'failed' }>

/** Verifies files on the server and prints the result. @throws Error if a file is damaged or was not verified */
export async function verifyAndPrint(
  command: Command,
  deps: CliDeps,
  client: Client,
  selection: { files?: string[]; images?: string[] },
): Promise<void> {
  const lines = streamLines<VerifyLine>(client, '/files/verify', selection)
  const progress = startProgress(deps, 'verify')
  const items: Item[] = []
  let end: Extract<VerifyLine, { kind: 'end' }> | undefined
  try {
    for await (const line of lines) {
      if (line.kind === 'progress') progress.update(line.name, line.doneBytes, line.sizeBytes)
      else if (line.kind === 'end') end = line
      else if (line.kind === 'error') throw new Error(line.error)
      else items.push(line)
    }
  } finally {
    progress.clear()
  }
  if (end === undefined) throw new Error('the server interrupted the verification')
  const { checked, damaged, failed, bytes } = end
  const wrong = items.flatMap((item): [Item, string][] => {
    if (item.kind === 'failed') return [[item, `not verified: ${item.message}`]]
    return item.damage === null ? [] : [[item, item.damage]]
  })
  print(command, deps, { items, ...end, kind: undefined }, () =>
    wrong.length === 0
      ? `${formatCount(checked, 'file')}, ${formatBytes(bytes)}: nothing is damaged`
      : formatTable(
          ['FILE', 'SIZE', 'SHA256', 'DAMAGE'],
          wrong.map(([{ name, sizeBytes, sha256 }, why]) => [name, formatBytes(sizeBytes), sha256, why]),
        ),
  )
  if (wrong.length > 0)
    throw new Error(
      [
        damaged > 0 && `damaged: ${damaged} of ${formatCount(checked, 'file')}; upload them again`,
        failed > 0 && `not verified: ${formatCount(failed, 'file')}`,
      ]
        .filter(Boolean)
        .join('; '),
    )
}
