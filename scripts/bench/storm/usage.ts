import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Resource usage of processes: processor seconds, and the peak of private memory in MB (RssAnon of proc(5)). */
export type Usage = { cpuSeconds: number; peakMb: number }

const sampleEveryMs = 250
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Watches these processes and their descendants until the usage is read. */
export function watchUsage(pids: number[]): () => Usage {
  // Usage by process; a process that ends between two samples counts up to the first of them.
  const ticks = new Map<number, number>()
  let peakMb = 0
  const look = () => {
    let mb = 0
    for (const pid of pids.flatMap(treeOf)) {
      const used = ticksOf(pid)
      if (used !== undefined) ticks.set(pid, used)
      mb += Number(/RssAnon:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024
    }
    peakMb = Math.max(peakMb, mb)
  }
  look()
  const before = sum(ticks)
  const timer = setInterval(look, sampleEveryMs)
  return () => {
    clearInterval(timer)
    look()
    return { cpuSeconds: (sum(ticks) - before) / ticksPerSecond, peakMb: Math.round(peakMb) }
  }
}

/** User and system time of /proc/PID/stat (proc(5)); undefined for a process that has ended. */
function ticksOf(pid: number): number | undefined {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')
  return fields.length > 12 ? Number(fields[11]) + Number(fields[12]) : undefined
}

function treeOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(treeOf)]
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function sum(values: ReadonlyMap<number, number>): number {
  return [...values.values()].reduce((total, one) => total + one, 0)
}
