// Syncs to the disk in groups. Called by run.ts.

/** Runs `sync` for all who ask at that moment. A caller gets the result of a run that began after the call. */
export function createGroupSync(sync: () => Promise<boolean>): () => Promise<boolean> {
  let running: Promise<boolean> | undefined
  let next: Promise<boolean> | undefined
  const start = (): Promise<boolean> => {
    running = sync().finally(() => {
      running = undefined
    })
    return running
  }
  return () => {
    if (running === undefined) return start()
    next ??= running.then(() => {
      next = undefined
      return start()
    })
    return next
  }
}
