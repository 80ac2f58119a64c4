// Bytes per second over the last minutes, from a counter for each second.

/** A chart of the last minutes. */
export type ThroughputChart = {
  /** The mean of the last three whole seconds. */
  bytesPerSecond: number
  /** Seconds between two points. */
  stepSeconds: number
  /** The end of the last point. */
  until: Date
  /** Bytes per second of each step, the oldest first. */
  points: number[]
}

export type Throughput = {
  /** Counts bytes of this moment. */
  add: (bytes: number) => void
  chart: () => ThroughputChart
}

const stepSeconds = 5
const steps = 120
const recentSeconds = 3
/** The second that runs, and a margin for a step that begins within the oldest seconds. */
const kept = stepSeconds * (steps + 2)

/** Counts bytes in a ring of seconds, ten minutes long. @param now the time in milliseconds since 1970 */
export function createThroughput(now: () => number = Date.now): Throughput {
  const bytes = new Float64Array(kept)
  /** The second that each place counts. */
  const seconds = new Float64Array(kept)
  const sum = (first: number, count: number) => {
    let total = 0
    for (let second = first; second < first + count; second++)
      if (seconds[second % kept] === second) total += bytes[second % kept] ?? 0
    return total
  }
  return {
    add: (more) => {
      const second = Math.floor(now() / 1000)
      const place = second % kept
      if (seconds[place] !== second) {
        seconds[place] = second
        bytes[place] = 0
      }
      bytes[place] = (bytes[place] ?? 0) + more
    },
    chart: () => {
      const second = Math.floor(now() / 1000)
      const end = second - (second % stepSeconds)
      const first = end - steps * stepSeconds
      return {
        bytesPerSecond: Math.round(sum(second - recentSeconds, recentSeconds) / recentSeconds),
        stepSeconds,
        until: new Date(end * 1000),
        points: Array.from({ length: steps }, (_, step) =>
          Math.round(sum(first + step * stepSeconds, stepSeconds) / stepSeconds),
        ),
      }
    },
  }
}
