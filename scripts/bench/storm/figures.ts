import { type FakeStage, fakeStages } from '../../fakes/fake-machine.ts'
import type { TimedBoot } from './generator.ts'
import type { Usage } from './usage.ts'

/** The figures of a storm. */
export type Figures = {
  name: string
  machines: number
  booted: number
  /** Time from the first power-on to the last report. */
  lastBootSeconds: number
  bootsPerSecond: number
  gbPerSecond: number
  stages: { stage: FakeStage; p50Ms: number; p99Ms: number }[]
  errors: string[]
  /** Repeated TFTP packets. */
  repeats: number
  /** Answers with status 503, which name the time to retry. */
  retries: number
  /** Resource usage by program name. */
  usage: Record<string, Usage>
}

export function figuresOf(name: string, boots: TimedBoot[], usage: Record<string, Usage>): Figures {
  const steps = boots.flatMap((boot) => boot.steps)
  const good = boots.filter(({ error }) => error === undefined)
  const seconds = (Math.max(...good.map((one) => one.endedAt)) - Math.min(...boots.map((one) => one.startedAt))) / 1000
  const sum = (of: 'bytes' | 'repeats' | 'retries') => steps.reduce((total, step) => total + step[of], 0)
  return {
    name,
    machines: boots.length,
    booted: good.length,
    lastBootSeconds: seconds,
    bootsPerSecond: good.length / seconds,
    gbPerSecond: sum('bytes') / 1e9 / seconds,
    stages: fakeStages.map((stage) => {
      const times = steps.filter((step) => step.stage === stage).map(({ ms }) => ms)
      return { stage, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) }
    }),
    errors: boots.flatMap(({ mac, error }) => (error === undefined ? [] : [`${mac} ${error}`])),
    repeats: sum('repeats'),
    retries: sum('retries'),
    usage,
  }
}

/** The figures side by side, with the baseline as the last column, and the ratios to it. */
export function printFigures(all: Figures[]): void {
  const baseline = all.at(-1) as Figures
  const cpu = ({ usage }: Figures) => Object.values(usage).reduce((sum, one) => sum + one.cpuSeconds, 0)
  const row = (label: string, cell: (one: Figures) => string) =>
    console.log(`  ${label.padEnd(26)}${all.map((one) => cell(one).padStart(22)).join('')}`)
  console.log('')
  row('', ({ name }) => name)
  row('booted', ({ booted, machines }) => `${booted} of ${machines}`)
  row('last boot', ({ lastBootSeconds }) => `${lastBootSeconds.toFixed(1)} s`)
  row('boots', ({ bootsPerSecond }) => `${bootsPerSecond.toFixed(1)}/s`)
  row('bytes', ({ gbPerSecond }) => `${gbPerSecond.toFixed(2)} GB/s`)
  for (const [at, { stage }] of baseline.stages.entries())
    row(`${stage}, p50 / p99`, ({ stages }) => `${ms(stages[at]?.p50Ms)} / ${ms(stages[at]?.p99Ms)} ms`)
  row('errors', ({ errors }) => String(errors.length))
  row('503, retried', ({ retries }) => String(retries))
  row('TFTP, retried', ({ repeats }) => String(repeats))
  row('processor time', (one) => `${cpu(one).toFixed(1)} s`)
  for (const one of all)
    for (const [name, { cpuSeconds, peakMb }] of Object.entries(one.usage))
      console.log(`  ${one.name}: ${name} used ${cpuSeconds.toFixed(1)} s of processor time and at most ${peakMb} MB`)
  for (const one of all.slice(0, -1)) {
    const [time, work] = [one.lastBootSeconds / baseline.lastBootSeconds, cpu(one) / cpu(baseline)]
    console.log(
      `  ${one.name} to ${baseline.name}: ${time.toFixed(2)} of its time, ${work.toFixed(2)} of its processor time`,
    )
  }
  for (const { name, errors } of all) for (const error of errors.slice(0, 10)) console.log(`  ERROR ${name}: ${error}`)
}

function ms(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '-' : value < 10 ? value.toFixed(1) : String(Math.round(value))
}

/** NaN for no values. */
function quantile(values: number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
