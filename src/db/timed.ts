// Times calls of the database.
import type { OnQuery } from './open.ts'

/** Runs a statement or transaction, and reports how long it took. */
export async function timed<T>(work: () => Promise<T>, onQuery: OnQuery | undefined): Promise<T> {
  if (onQuery === undefined) return work()
  const startedAt = performance.now()
  const end = (succeeded: boolean) => onQuery((performance.now() - startedAt) / 1000, succeeded)
  try {
    const result = await work()
    end(true)
    return result
  } catch (error) {
    end(false)
    throw error
  }
}
