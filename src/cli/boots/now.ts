// `bootwright now`.
import type { Command } from 'commander'
import type { Now } from '../../api/schemas/boots/now.ts'
import { formatBytes } from '../../lib/text/format.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { formatTable } from '../shell/table.ts'
import { watchDocument } from '../shell/watch.ts'

type Booting = Now['booting']['items'][number]

/** `bootwright now`. */
export function addNowCommand(program: Command, deps: CliDeps): void {
  program
    .command('now')
    .description("show the machines that boot at this moment, and today's outcomes")
    .option('--watch', 'show them again every 2 s, until Ctrl-C')
    .action(async ({ watch }: { watch?: true }, command: Command) => {
      const client = clientOf(command, deps)
      // Today begins at midnight here.
      const utcOffset = -new Date().getTimezoneOffset()
      const find = () => client.ask<Now>('GET', utcOffset % 15 === 0 ? `/now?utcOffset=${utcOffset}` : '/now')
      const first = await find()
      if (watch) await watchDocument(command, deps, { first, find, format: formatNow })
      else print(command, deps, first, formatNow)
    })
}

function formatNow(now: Now): string {
  const { booting, outcomes, throughput, servedAt } = now
  const rows = booting.items.map((boot) => [
    nameOf(boot),
    boot.image === undefined ? '' : `${boot.image}${boot.version === undefined ? '' : ` v${boot.version}`}`,
    boot.stalled === undefined ? boot.stage : `stalled: ${boot.stage}`,
    progressOf(boot),
    `${Math.max(0, Math.round((Date.parse(servedAt) - Date.parse(boot.movedAt)) / 1000))} s`,
  ])
  const table =
    rows.length === 0
      ? 'No machine boots at this moment.'
      : formatTable(['MACHINE', 'IMAGE', 'STAGE', 'PROGRESS', 'AT THIS STAGE'], rows)
  const more = booting.more ? '\nmore: bootwright boots --outcome open --limit 1000' : ''
  const causes = booting.items.flatMap((boot) => causeOf(boot))
  const speed = throughput.boot.bytesPerSecond + throughput.tftp.bytesPerSecond
  const lines = [
    `today since ${formatTime(outcomes.since)}: ${wordsOf(outcomes.counts)}`,
    `sends ${formatBytes(speed)}/s; as of ${formatTime(servedAt)}`,
    ...(now.database === 'away' ? ['the database does not answer: the machines are shown as they last were'] : []),
  ]
  return [table + more, ...(causes.length > 0 ? [causes.join('\n')] : []), lines.join('\n')].join('\n\n')
}

function nameOf({ name, mac, ip }: Booting): string {
  return name ?? mac ?? ip
}

function progressOf({ download, progress }: Booting): string {
  if (download === undefined) return progress ?? ''
  const { file, doneBytes, totalBytes, bytesPerSecond } = download
  const speed = bytesPerSecond === undefined ? '' : `, ${formatBytes(bytesPerSecond)}/s`
  return `${file}: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}${speed}`
}

function causeOf(boot: Booting): string[] {
  const cause = boot.stalled ?? boot.gap
  if (cause === undefined) return []
  const next = cause.code === undefined ? '' : `\n  ${cause.code}: bootwright explain-code ${cause.code}`
  return [`! ${nameOf(boot)}: ${cause.text}${next}`]
}

function wordsOf(counts: Now['outcomes']['counts']): string {
  if (counts === undefined) return 'not known, because the database does not answer'
  const { open, booted, installed, failed, stalled, handedOver, local, superseded } = counts
  const always = { booting: open, booted, installed, failed, stalled }
  const others = Object.entries({ 'handed over': handedOver, 'local disk': local, superseded })
  return [...Object.entries(always), ...others.filter(([, number]) => number > 0)]
    .map(([name, number]) => `${number} ${name}`)
    .join(', ')
}
