// The clock of a run, compared with the clock of the database. Called by refusals.ts and write-batch.ts.

export type RunClock = {
  /** The present time of the run, in milliseconds. */
  read: () => number
  /**
   * The time of the run at the beginning of a transaction. It was between two readings of the clock. Transactions use one difference
   * of the clocks as long as their readings allow it, so that the times of records keep their order.
   * @param databaseNow the time of the transaction, in milliseconds
   */
  at: (databaseNow: number, earliest: number, latest: number) => number
}

export function createRunClock(read: () => number): RunClock {
  let difference: number | undefined
  return {
    read,
    at: (databaseNow, earliest, latest) => {
      const [min, max] = [databaseNow - latest, databaseNow - earliest]
      difference = difference === undefined ? min : Math.min(Math.max(difference, min), max)
      return databaseNow - difference
    },
  }
}
