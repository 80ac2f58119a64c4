import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What processes used: processor seconds, and the most memory of their own that they held at once, in MB (RssAnon of proc(5)). */
export type Usage = { cpuSeconds: number; peakMb: number }

const sampleEveryMs = 250
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Watches these processes and all below them, until it is asked what they used. */
export function watchUsage(pids: number[]): () => Usage {
  let latest = sample(pids)
  const before = latest.ticks
  let peakMb = latest.mb
  const look = () => {
    latest = sample(pids)
    peakMb = Math.max(peakMb, latest.mb)
  }
  const timer = setInterval(look, sampleEveryMs)
  return () => {
    clearInterval(timer)
    look()
    return { cpuSeconds: (latest.ticks - before) / ticksPerSecond, peakMb: Math.round(peakMb) }
  }
}

function sample(pids: number[]): { ticks: number; mb: number } {
  let ticks = 0
  let mb = 0
  for (const pid of pids.flatMap(treeOf)) {
    // A process may have ended since it was listed; its time is its parent's then.
    const fields = read(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')
    // utime, stime, and those of its children that ended (proc(5)).
    ticks += [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0)
    mb += Number(/RssAnon:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024
  }
  return { ticks, mb }
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
