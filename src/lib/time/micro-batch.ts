// Calls to the database that share one round trip.
import { isOutage } from '../outage.ts'

/**
 * Collects calls while earlier calls are running, and runs them together: one round trip to the database for many
 * calls, and no delay for a single call. `run` gets the inputs in order and returns one result for each input. If a
 * batch fails, each input is retried alone, so that a bad input does not fail the others. If the database is
 * unreachable, all calls of the batch fail.
 */
export function createMicroBatch<In, Out>(
  run: (inputs: In[]) => Promise<Out[]>,
  { maxSize, maxConcurrent }: { maxSize: number; maxConcurrent: number },
): (input: In) => Promise<Out> {
  type Call = { input: In; resolve: (out: Out) => void; reject: (error: unknown) => void }
  let waiting: Call[] = []
  let running = 0

  const answer = async (batch: Call[]) => {
    try {
      const results = await run(batch.map((call) => call.input))
      for (const [index, call] of batch.entries()) call.resolve(results[index] as Out)
    } catch (error) {
      if (batch.length === 1 || isOutage(error)) for (const call of batch) call.reject(error)
      else for (const call of batch) await answer([call])
    }
  }
  const start = () => {
    while (running < maxConcurrent && waiting.length > 0) {
      const batch = waiting.slice(0, maxSize)
      waiting = waiting.slice(batch.length)
      running += 1
      void answer(batch).finally(() => {
        running -= 1
        start()
      })
    }
  }
  return (input) =>
    new Promise<Out>((resolve, reject) => {
      waiting.push({ input, resolve, reject })
      // The other calls of this turn of the event loop join the batch.
      if (waiting.length === 1) setImmediate(start)
    })
}
