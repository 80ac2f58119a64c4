// `bootwright now`.
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Now } from '../../api/schemas/boots/now.ts'
import { formatBytes } from '../../lib/text/format.ts'
import { asTyped, commandName } from '../../lib/typed-command.ts'
import { RefusedError } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime, printable } from '../shell/format.ts'
import { formatTable } from '../shell/table.ts'

type Booting = Now['booting']['items'][number]

const defaultPollMs = 2000
/** Moves the cursor to the top and clears the screen (ECMA-48: CUP, ED). */
const clearScreen = '\x1b[H\x1b[2J'

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
      if (watch) await watchNow(command, deps, first, find)
      else print(command, deps, first, formatNow)
    })
}

async function watchNow(command: Command, deps: CliDeps, first: Now, find: () => Promise<Now>): Promise<void> {
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt)
  try {
    for (let found: Now | Error = first; !stop.signal.aborted; ) {
      if (deps.screen) deps.out(clearScreen)
      if (found instanceof Error)
        deps.out(`${printable(asTyped(`not up to date: ${found.message}`, commandName(deps.env)))}\n`)
      else print(command, deps, found, formatNow)
      await wait(deps.pollMs ?? defaultPollMs, undefined, { signal: stop.signal }).catch(() => undefined)
      found = await find().catch((error: unknown) => {
        // A server that restarts answers again.
        if (error instanceof RefusedError) throw error
        return error as Error
      })
    }
  } finally {
    process.off('SIGINT', interrupt)
  }
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
