// `bootwright boots`.
import { type Command, Option } from 'commander'
import type { Boot, BootSummary } from '../../api/schemas/boots/boot.ts'
import { formatBytes } from '../../lib/text/format.ts'
import { readMachine } from '../machines/argument.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime, withFailure } from '../shell/format.ts'
import { parseCount } from '../shell/numbers.ts'
import { pathOf } from '../shell/path.ts'
import { parseSince } from '../shell/since.ts'
import { formatFields, formatTable } from '../shell/table.ts'
import { formatDecision } from './explain.ts'

const outcomes = ['booted', 'installed', 'failed', 'handed-over', 'stalled', 'superseded', 'open']
const headings = ['STARTED', 'MACHINE', 'IMAGE', 'STAGE', 'OUTCOME', 'MESSAGE', 'ID']

/** `bootwright boots`. */
export function addBootsCommand(program: Command, deps: CliDeps): void {
  const boots = program
    .command('boots')
    .description('list boots, newest first')
    .option('--machine <machine>', 'MAC, UUID or host name of the machine', readMachine)
    .addOption(new Option('--outcome <outcome>', 'outcome of the boots; open: in progress').choices(outcomes))
    .option('--since <time>', 'earliest start: 30m, 2h, 7d, or an ISO 8601 time', parseSince)
    .option('--limit <n>', 'maximum number of results', parseCount, 20)
    .action(
      async (
        { machine, outcome, since, limit }: { machine?: string; outcome?: string; since?: string; limit: number },
        command: Command,
      ) => {
        const query = { machine, outcome, since }
        const client = clientOf(command, deps)
        const items = await client.list<BootSummary>('/boots', query, 'before', limit)
        print(command, deps, { items }, () => formatTable(headings, items.map(rowOf)))
      },
    )

  boots
    .command('show')
    .description('show a boot with its stages')
    .argument('<id>', 'id of the boot, as listed')
    .option('--why', 'also show the decision and its reasons')
    .option('--script', 'show the served script instead of the stages')
    .action(async (id: string, { why, script }: { why?: true; script?: true }, command: Command) => {
      const boot = await clientOf(command, deps).ask<Boot>('GET', pathOf('boots', id))
      const text = script ? boot.script.trimEnd() : formatBoot(boot)
      const notices = boot.events.filter(({ stage }) => stage === 'notice').map(({ message }) => `notice: ${message}\n`)
      const reasons = why ? formatDecision({ ...boot.decision, others: [] }) : ''
      print(command, deps, boot, () => (why ? `${text}\n\n${notices.join('')}${reasons}` : text))
    })
}

function rowOf(boot: BootSummary): string[] {
  return [
    formatTime(boot.startedAt),
    nameOf(boot),
    imageOf(boot),
    boot.stage,
    boot.outcome ?? 'open',
    withFailure(boot.message, boot.failure) ?? (boot.outcome === undefined ? boot.progress : undefined) ?? '',
    boot.id,
  ]
}

function formatBoot(boot: Boot): string {
  const fields = formatFields({
    boot: boot.id,
    machine: nameOf(boot),
    mac: boot.mac ?? '',
    address: boot.ip,
    image: imageOf(boot),
    started: formatTime(boot.startedAt),
    ended: formatTime(boot.endedAt),
    outcome: boot.outcome ?? 'open',
    message: boot.message ?? '',
    failure: boot.failure && `${boot.failure.title}. ${boot.failure.meaning}`,
    next: boot.failure && `bootwright explain-code ${boot.failure.code}`,
    progress: boot.progress ?? '',
    heard: formatTime(boot.heardAt),
  })
  const start = Date.parse(boot.startedAt)
  const events = boot.events.map((event) => [
    formatTime(event.at),
    `${((Date.parse(event.at) - start) / 1000).toFixed(1)} s`,
    event.stage,
    event.file,
    event.bytes === undefined ? '' : formatBytes(event.bytes),
    event.durationMs === undefined ? '' : `${event.durationMs} ms`,
    withFailure(event.message, event.failure),
  ])
  return `${fields}\n\n${formatTable(['TIME', 'AFTER', 'STAGE', 'FILE', 'BYTES', 'TOOK', 'MESSAGE'], events)}`
}

function nameOf(boot: BootSummary): string {
  return boot.name ?? boot.mac ?? boot.ip
}

function imageOf({ image, version }: BootSummary): string {
  return image ? `${image}${version ? ` v${version}` : ''}` : ''
}
