import { isOutage } from './outage.ts'

/**
 * Gathers calls that come while earlier ones are under way, and answers them together: one round trip to the database for
 * many, and no waiting where there is only one. `run` gets the inputs in order and gives as many results.
 * When a batch fails, each of its inputs is run again alone, so that a bad one does not fail the others; not when the database is away.
 */
export function createMicroBatch<In, Out>(
  run: (inputs: In[]) => Promise<Out[]>,
  { most, atOnce }: { most: number; atOnce: number },
): (input: In) => Promise<Out> {
  type Waiting = { input: In; resolve: (out: Out) => void; reject: (error: unknown) => void }
  let waiting: Waiting[] = []
  let running = 0

  const answer = async (batch: Waiting[]) => {
    try {
      const results = await run(batch.map((one) => one.input))
      for (const [index, one] of batch.entries()) one.resolve(results[index] as Out)
    } catch (error) {
      if (batch.length === 1 || isOutage(error)) for (const one of batch) one.reject(error)
      else for (const one of batch) await answer([one])
    }
  }
  const start = () => {
    while (running < atOnce && waiting.length > 0) {
      const batch = waiting.slice(0, most)
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
      // After what else this turn of the event loop brings.
      if (waiting.length === 1) setImmediate(start)
    })
}
