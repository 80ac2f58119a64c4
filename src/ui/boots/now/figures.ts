// Figures of this moment: outcomes, deployments, boot times and throughput. Pure.
import type { Now } from '../../../api/schemas/boots/now.ts'
import { withQuery } from '../../http/client.ts'
import { duration, speed } from '../../http/format.ts'
import type { Tone } from '../../http/tone.ts'
import { barOf, type StatesBar } from '../deployment-words.ts'

export type Outcome = { words: string; number: number; tone: Tone; path: string }
export type Batch = { path: string; image: string } & StatesBar

type Counts = NonNullable<Now['outcomes']['counts']>
const outcomeRows: [keyof Counts, string, Tone, outcome: string, always: boolean][] = [
  ['open', 'in progress', 'busy', 'open', true],
  ['booted', 'booted', 'ok', 'booted', true],
  ['installed', 'installed', 'ok', 'installed', true],
  ['failed', 'failed', 'bad', 'failed', true],
  ['stalled', 'stalled', 'warn', 'stalled', true],
  ['handedOver', 'handed over', 'ok', 'handed-over', false],
  ['local', 'local disk', 'idle', 'handed-over', false],
  ['superseded', 'superseded', 'idle', 'superseded', false],
]

/** Today's outcomes; undefined if the database is away. */
export function outcomesOf({ outcomes: { counts, since } }: Now): Outcome[] | undefined {
  if (counts === undefined) return undefined
  return outcomeRows
    .filter(([name, , , , always]) => always || counts[name] > 0)
    .map(([name, words, tone, outcome]) => ({
      words,
      number: counts[name],
      tone: counts[name] === 0 ? ('idle' as const) : tone,
      path: withQuery('/boots', { outcome, since }),
    }))
}

/** Running deployments as stacked bars, in words too. */
export function batchesOf({ deployments }: Now): Batch[] {
  return deployments.map(({ batch, image, counts }) => {
    const path = batch === undefined ? withQuery('/deployments', { image }) : `/deployments/batches/${batch}`
    return { path, image, ...barOf(counts) }
  })
}

/** Median and 95th percentile of the boot times, as bars of one scale. */
export function bootTimesOf({ bootTimes }: Now) {
  const longest = Math.max(0.1, ...bootTimes.map(({ p95Seconds }) => p95Seconds))
  const rows = bootTimes.map(({ image, outcome, boots, medianSeconds, p95Seconds }) => ({
    label: image,
    note: outcome,
    boots,
    median: duration(medianSeconds * 1000),
    p95: duration(p95Seconds * 1000),
    medianWidth: (100 * medianSeconds) / longest,
    p95Width: (100 * p95Seconds) / longest,
  }))
  return { rows, scale: duration(longest * 1000) }
}

/** The throughput of both protocols: now, at its highest, and as points for the chart. */
export function throughputOf({ throughput: { boot, tftp } }: Now) {
  const points = boot.points.map((point, index) => point + (tftp.points[index] ?? 0))
  return {
    now: speed(boot.bytesPerSecond + tftp.bytesPerSecond),
    peak: speed(Math.max(0, ...points)),
    chart: JSON.stringify({
      until: Math.round(Date.parse(boot.until) / 1000),
      step: boot.stepSeconds,
      http: boot.points,
      tftp: tftp.points,
    }),
  }
}
