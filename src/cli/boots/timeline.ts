// `bootwright timeline`.
import type { Command } from 'commander'
import type { Timeline } from '../../api/schemas/boots/timeline.ts'
import { formatBytes } from '../../lib/text/format.ts'
import { machineInPath, readMachine } from '../machines/argument.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { parseCount } from '../shell/numbers.ts'
import { parseSince } from '../shell/since.ts'
import { formatFields, formatTable } from '../shell/table.ts'

type Attempt = Timeline['attempts'][number]
type Options = { since?: string; before?: string; limit: number }

/** `bootwright timeline`. */
export function addTimelineCommand(program: Command, deps: CliDeps): void {
  program
    .command('timeline')
    .description('show what a machine went through: DHCP, TFTP, HTTP and reports, with the gaps named')
    .argument('<machine>', 'MAC address, IPv4 address, UUID, id or host name; also of an unknown machine', readMachine)
    .option('--since <time>', 'earliest events: 30m, 2h, 7d, or an ISO 8601 time', parseSince)
    .option('--before <time>', 'only events before this time', parseSince)
    .option('--limit <n>', 'maximum number of boots, at most 100', parseCount, 10)
    .action(async (machine: string, { since, before, limit }: Options, command: Command) => {
      const query = new URLSearchParams({
        limit: String(Math.min(limit, 100)),
        ...(since !== undefined && { since }),
        ...(before !== undefined && { before }),
      })
      const path = `/machines/${machineInPath(machine)}/timeline?${query}`
      const timeline = await clientOf(command, deps).ask<Timeline>('GET', path)
      print(command, deps, timeline, formatTimeline)
    })
}

function formatTimeline({ machine, macs, addresses, attempts, next }: Timeline): string {
  const fields = formatFields({
    machine: machine && (machine.hostname ?? machine.id),
    mac: macs.join(' '),
    address: addresses.join(' '),
  })
  if (attempts.length === 0)
    return `${fields}\n\nno events. Events without a boot are kept for a day, and DHCP is seen only by proxyDHCP`.trim()
  const more = next === undefined ? '' : `\n\nolder: bootwright timeline ${macs[0] ?? addresses[0]} --before ${next}`
  return `${fields}\n\n${attempts.map(formatAttempt).join('\n\n')}${more}`.trim()
}

function formatAttempt({ boot, startedAt, lines, gaps }: Attempt): string {
  const title =
    boot === undefined
      ? `${formatTime(startedAt)}  no boot: the machine got no script`
      : `${formatTime(startedAt)}  boot ${boot.id}${boot.image ? `, ${boot.image}` : ''}: ${boot.outcome ?? 'open'}`
  const start = Date.parse(startedAt)
  const rows = lines.map((line) => [
    `+${((Date.parse(line.at) - start) / 1000).toFixed(1)} s`,
    line.kind === undefined ? line.stage : `${line.stage} ${line.kind}`,
    line.file,
    line.bytes === undefined ? '' : formatBytes(line.bytes),
    line.durationMs === undefined ? '' : `${line.durationMs} ms`,
    [line.message, line.times > 1 ? `(${line.times} times until ${formatTime(line.lastAt)})` : undefined]
      .filter(Boolean)
      .join(' '),
  ])
  const table = formatTable(['AFTER', 'STAGE', 'FILE', 'BYTES', 'TOOK', 'MESSAGE'], rows)
  return [title, ...indented(table), ...gaps.map(formatGap)].join('\n')
}

function formatGap({ text, code }: Attempt['gaps'][number]): string {
  const help = code === undefined ? '' : `\n    ${code}: bootwright explain-code ${code}`
  return `  ! ${text}${help}`
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `  ${line}`)
}
