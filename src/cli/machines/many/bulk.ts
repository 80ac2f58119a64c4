// `bootwright machine import`, `export`, `merge` and `conflicts`.
import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import type { BulkLine } from '../../../api/schemas/machines/bulk.ts'
import type { ConflictList, MachineSaved } from '../../../api/schemas/machines/machine.ts'
import { faultText } from '../../../lib/errors.ts'
import { formatCount } from '../../../lib/text/format.ts'
import { withQuery } from '../../shell/client.ts'
import { type CliDeps, clientOf, print } from '../../shell/deps.ts'
import { difference } from '../../shell/difference.ts'
import { formatTime, printable } from '../../shell/format.ts'
import { linesOf } from '../../shell/lines.ts'
import { operatorPath } from '../../shell/path.ts'
import { formatTable } from '../../shell/table.ts'
import { machineArgument, machinePath, readMachine } from '../argument.ts'
import { addDryRun, countedPath, printConcerns } from '../concerns.ts'

type ImportOptions = { csv?: true; dryRun?: true; atomic?: true; replace?: true }

/** `bootwright machine import`, `export`, `merge` and `conflicts`. */
export function addMachineBulkCommands(machine: Command, deps: CliDeps): void {
  machine
    .command('import')
    .description('create or change many machines from JSON lines or CSV; repeating an import changes nothing')
    .argument('<file>', 'file to read, - for standard input')
    .option('--csv', 'read CSV (default for names that end in .csv)')
    .option(
      '--dry-run',
      'change nothing; show what would change, machine by machine, and how many machines would boot something else',
    )
    .option('--atomic', 'change nothing if a row is bad')
    .option('--replace', 'clear the fields that a row leaves out')
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const { csv, dryRun, atomic, replace } = options
      const bytes = file === '-' ? (deps.stdin ?? process.stdin) : createReadStream(operatorPath(deps, file))
      const { json } = command.optsWithGlobals<{ json?: boolean }>()
      const query = {
        ...(dryRun ? { dryRun: 'true' } : { count: 'true' }),
        details: dryRun && 'true',
        atomic: atomic && 'true',
        mode: replace && 'replace',
      }
      const type = csv || file.endsWith('.csv') ? 'text/csv' : 'application/x-ndjson'
      const body = { bytes: bytes as AsyncIterable<Uint8Array>, type }
      const { texts } = await clientOf(command, deps).stream('POST', withQuery('/machines/bulk', query), body)
      let last: BulkLine = {}
      for await (const line of linesOf(texts)) {
        last = JSON.parse(line) as BulkLine
        if (last.outcome !== undefined && !json) deps.out(`${printable(formatPlanned(last))}\n`)
        if (last.errors !== undefined) deps.err(`${printable(formatBadRow(last))}\n`)
      }
      if (last.rows === undefined || last.error !== undefined)
        throw new Error(`the import was interrupted: ${last.error ?? 'the server closed the connection'}`)
      print(command, deps, last, formatSummary)
      printConcerns(deps, last.concerns)
      if ((last.failed ?? 0) > 0) throw new Error(formatCount(last.failed ?? 0, 'bad row'))
    })

  machine
    .command('export')
    .description('export machines as JSON lines or CSV, in the format of import, without secrets')
    .option('--csv', 'write CSV')
    .action(async ({ csv }: { csv?: true }, command: Command) => {
      const path = withQuery('/machines/export', { format: csv && 'csv' })
      const { texts } = await clientOf(command, deps).stream('GET', path)
      for await (const text of texts) deps.out(text)
    })

  addDryRun(machine.command('merge'))
    .description('merge another machine into a machine, which keeps its own fields and takes over the others')
    .addArgument(machineArgument())
    .requiredOption('--from <machine>', 'other machine, which is merged into the first machine', readMachine)
    .action(async (into: string, { from, dryRun }: { from: string; dryRun?: true }, command: Command) => {
      const path = countedPath(`${machinePath(into)}/merge`, dryRun)
      const merged = await clientOf(command, deps).ask<MachineSaved>('POST', path, { from })
      print(command, deps, merged, ({ id, macs }) => `${id}: ${macs.join(' ')}`)
      printConcerns(deps, merged.concerns)
    })

  machine
    .command('conflicts')
    .description('list requests that match several machines')
    .action(async (_options, command: Command) => {
      const { items } = await clientOf(command, deps).ask<ConflictList>('GET', '/conflicts')
      const rows = items.map(({ lastAt, times, why }) => [formatTime(lastAt), String(times), why])
      print(command, deps, { items }, () => formatTable(['LAST SEEN', 'COUNT', 'REASON'], rows))
    })
}

function formatBadRow({ line, errors = [] }: BulkLine): string {
  return errors.map((fault) => `line ${line}: ${faultText(fault)}`).join('\n')
}

function formatPlanned({ line, outcome, machine, before, after }: BulkLine): string {
  return `line ${line}: ${machine} ${outcome}: ${difference(before, after)}`
}

function formatSummary({ rows, created, changed, unchanged, failed, applied }: BulkLine): string {
  const done = applied === false ? ', and nothing was changed' : ''
  return `${rows} rows: ${created} created, ${changed} changed, ${unchanged} unchanged, ${failed} bad${done}`
}
