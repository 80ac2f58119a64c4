// Bounds the time that sending takes from each turn of the event loop. Called by send-bytes.ts.

/**
 * Work that sends bytes, in the order of its arrival. Between two slices the event loop serves what has arrived meanwhile: scripts,
 * reports, packets. So a script waits for one slice at most in each turn, however many sockets can take bytes.
 */
export type SendTurns = {
  /** Runs `work` in a slice. Rejects with the error of `work`. */
  run: <Result>(work: () => Result | Promise<Result>) => Promise<Result>
  /** The number of slices so far, and of all works in them. */
  counted: () => { slices: number; works: number }
}

/** A socket takes a few megabytes at most at once, which take about a millisecond. */
const defaultSliceMs = 2
/** The list of waiting work is shortened after this many works. */
const maxDone = 1024

/** @param settings.now a monotonic clock, milliseconds */
export function createSendTurns({ sliceMs = defaultSliceMs, now = () => performance.now() } = {}): SendTurns {
  let waiting: (() => void)[] = []
  let done = 0
  let isScheduled = false
  const counts = { slices: 0, works: 0 }

  const schedule = () => {
    if (isScheduled || done === waiting.length) return
    isScheduled = true
    setImmediate(runSlice)
  }
  const runSlice = () => {
    isScheduled = false
    counts.slices += 1
    const until = now() + sliceMs
    do {
      waiting[done++]?.()
      counts.works += 1
    } while (done < waiting.length && now() < until)
    if (done >= maxDone || done === waiting.length) {
      waiting = waiting.slice(done)
      done = 0
    }
    schedule()
  }

  return {
    counted: () => counts,
    run: (work) =>
      new Promise((resolve, reject) => {
        waiting.push(() => {
          try {
            resolve(work())
          } catch (error) {
            reject(error)
          }
        })
        schedule()
      }),
  }
}
