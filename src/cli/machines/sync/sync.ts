// `bootwright machine sync`.
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { SyncLine } from '../../../api/schemas/machines/sync.ts'
import { faultText } from '../../../lib/errors.ts'
import { formatCount } from '../../../lib/text/format.ts'
import { type Client, withQuery } from '../../shell/client.ts'
import { type CliDeps, clientOf, print } from '../../shell/deps.ts'
import { cut } from '../../shell/difference.ts'
import { formatTime, printable } from '../../shell/format.ts'
import { linesOf } from '../../shell/lines.ts'
import { operatorPath } from '../../shell/path.ts'
import { printConcerns } from '../concerns.ts'

type SyncOptions = {
  owner: string
  format?: Format
  prune?: true
  pruneMax?: string
  takeOver?: true
  dryRun?: true
}

const types = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
  json: 'application/json',
  yaml: 'application/yaml',
}
type Format = keyof typeof types

const maxFileBytes = 256 * 2 ** 20

/** `bootwright machine sync`. */
export function addMachineSyncCommand(machine: Command, deps: CliDeps): void {
  machine
    .command('sync')
    .description(
      'create, change or remove machines as another inventory has them: show the plan, then do all of it or nothing',
    )
    .argument('<file>', 'file to read, - for standard input')
    .requiredOption(
      '--owner <name>',
      'name of the other inventory; only it, or a person, replaces the fields that it sets',
    )
    .addOption(
      new Option('--format <format>', 'format of the file (default: by its name, else ndjson)').choices(
        Object.keys(types),
      ),
    )
    .option('--prune', 'archive machines of the owner that the file lacks, and clear fields that its rows lack')
    .option('--prune-max <limit>', 'maximum machines that --prune removes or clears: 20 or 5% (default: 5%)', readLimit)
    .option('--take-over', 'also replace what people and other owners set')
    .option('--dry-run', 'change nothing; only show the plan')
    .action(async (file: string, options: SyncOptions, command: Command) => {
      const { owner, prune, pruneMax, takeOver, dryRun } = options
      const bytes = await readAll(
        file === '-' ? (deps.stdin ?? process.stdin) : createReadStream(operatorPath(deps, file)),
      )
      const type = types[options.format ?? formatOf(file)]
      const query = { owner, prune: prune && 'true', pruneMax, takeOver: takeOver && 'true' }
      const client = clientOf(command, deps)
      const { json } = command.optsWithGlobals<{ json?: boolean }>()
      const plan = await send(client, { ...query, dryRun: 'true' }, bytes, type, (line) => {
        if (line.errors !== undefined) deps.err(`${printable(formatBad(line))}\n`)
        else if (!json) deps.out(`${printable(formatLine(line))}\n`)
      })
      if ((plan.failed ?? 0) > 0 || plan.refusal !== undefined || dryRun || !changes(plan)) {
        print(command, deps, plan, formatSummary)
        if ((plan.failed ?? 0) > 0) throw new Error(`${formatCount(plan.failed ?? 0, 'bad row')}: nothing was changed`)
        if (plan.refusal !== undefined) throw new Error(`${plan.refusal}. Nothing was changed`)
        if (changes(plan)) printConcerns(deps, plan.concerns)
        return
      }
      const done = await send(client, { ...query, expect: plan.digest }, bytes, type, (line) => {
        if (line.errors !== undefined) deps.err(`${printable(formatBad(line))}\n`)
      })
      print(command, deps, done, formatSummary)
      printConcerns(deps, done.concerns)
      if (!done.applied) throw new Error('the machines changed meanwhile: nothing was changed')
    })
}

async function send(
  client: Client,
  query: Record<string, string | undefined>,
  bytes: Buffer,
  type: string,
  hear: (line: SyncLine) => void,
): Promise<SyncLine> {
  const body = { bytes: Readable.from([bytes]) as AsyncIterable<Uint8Array>, type }
  const { texts } = await client.stream('POST', withQuery('/machines/sync', query), body)
  let last: SyncLine | undefined
  for await (const text of linesOf(texts)) {
    if (last !== undefined) hear(last)
    last = JSON.parse(text) as SyncLine
  }
  if (last?.digest === undefined) throw new Error('the sync was interrupted: the server closed the connection')
  return last
}

function changes({ created = 0, changed = 0, restored = 0, archived = 0, released = 0 }: SyncLine): boolean {
  return created + changed + restored + archived + released > 0
}

async function readAll(chunks: AsyncIterable<Buffer | string>): Promise<Buffer> {
  const read: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk)
    sizeBytes += bytes.length
    if (sizeBytes > maxFileBytes) throw new Error(`expected a file of at most ${maxFileBytes} bytes`)
    read.push(bytes)
  }
  return Buffer.concat(read)
}

function formatOf(file: string): Format {
  const ending = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? ''
  if (ending === 'yml') return 'yaml'
  return ending in types ? (ending as Format) : 'ndjson'
}

function readLimit(text: string): string {
  if (!/^\d+(\.\d+)?%?$/.test(text)) throw new InvalidArgumentError('Expected a number or a percentage. Example: 5%')
  return text
}

function formatBad({ line, errors = [] }: SyncLine): string {
  return errors.map((fault) => `row ${line}: ${faultText(fault)}`).join('\n')
}

function formatLine({ line, outcome, machine, changes: list = [], kept = [], why }: SyncLine): string {
  const changed = list.map(({ field, before, after }) =>
    before === undefined ? `${field}: ${inWords(after)}` : `${field}: ${inWords(before)} -> ${inWords(after)}`,
  )
  const stay = kept.map(({ field, value, given, by, at, isPerson }) => {
    const who = isPerson ? `set by ${by}${at === undefined ? '' : ` on ${formatTime(at)}`}` : `set by owner ${by}`
    return `${field} kept: ${inWords(value)}, not ${inWords(given)} (${who})`
  })
  const where = line === undefined ? '' : `row ${line}: `
  const what = [...(why === undefined ? [] : [why]), ...changed, ...stay].map((text) => cut(text, 160)).join('; ')
  return `${where}${machine} ${outcome}${what === '' ? '' : `: ${what}`}`
}

function formatSummary(counts: SyncLine & { kept?: unknown }): string {
  const { rows, created, changed, restored, unchanged, archived, released, failed, applied } = counts
  const done = applied ? '' : ', and nothing was changed'
  return `${rows} rows: ${created} created, ${changed} changed, ${restored} restored, ${unchanged} unchanged, ${archived} archived, ${released} released, ${failed} bad${done}`
}

function inWords(value: unknown): string {
  return value === undefined || value === null ? 'nothing' : JSON.stringify(value)
}
