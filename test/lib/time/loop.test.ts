import { describe, expect, test } from 'vitest'
import { startLoop } from '../../../src/lib/time/loop.ts'

/** A log that collects its lines. */
function listLog() {
  const lines: unknown[][] = []
  return { lines, warn: (...line: unknown[]) => void lines.push(line) }
}

describe('startLoop', () => {
  test('runs a task immediately, and again after each wait', async () => {
    let runs = 0
    const loop = startLoop(async () => ++runs < 0, { name: 'counting', everyMs: 5, log: listLog() })
    await expect.poll(() => runs).toBeGreaterThan(3)
    await loop.stop()
    const before = runs
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(runs).toBe(before)
  })

  test('runs a task again without a wait while it has more to do', async () => {
    let runs = 0
    const loop = startLoop(async () => ++runs < 5, { name: 'counting', everyMs: 3_600_000, log: listLog() })
    await expect.poll(() => runs).toBe(5)
    await loop.stop()
  })

  test('ends its wait when a caller or the task itself wakes it', async () => {
    let runs = 0
    const loop = startLoop(async () => ++runs < 0, {
      name: 'counting',
      everyMs: 3_600_000,
      log: listLog(),
      waits: true,
    })
    expect(runs).toBe(0)
    loop.wake()
    await expect.poll(() => runs).toBe(1)
    loop.wake()
    await expect.poll(() => runs).toBe(2)
    await loop.stop()
    const waking = startLoop(
      async () => {
        runs++
        if (runs < 6) waking.wake()
        return false
      },
      { name: 'waking', everyMs: 3_600_000, log: listLog(), waits: true },
    )
    waking.wake()
    await expect.poll(() => runs).toBe(6)
    await waking.stop()
  })

  test('logs a failure with the name of the work, and retries', async () => {
    const log = listLog()
    let runs = 0
    const fail = async () => {
      runs++
      throw new Error('no database')
    }
    const loop = startLoop(fail, { name: 'counting', everyMs: 10, log })
    await expect.poll(() => runs).toBeGreaterThan(1)
    await loop.stop()
    expect(log.lines[0]).toEqual([{ error: 'no database' }, 'counting failed, retrying in 0.01 s'])
  })

  test('never overlaps two runs, and stops after the current run', async () => {
    let running = 0
    let max = 0
    let ended = 0
    const task = async () => {
      max = Math.max(max, ++running)
      await new Promise((resolve) => setTimeout(resolve, 20))
      running--
      ended++
      return false
    }
    const loop = startLoop(task, { name: 'counting', everyMs: 1, log: listLog() })
    loop.wake()
    await expect.poll(() => running).toBe(1)
    const before = ended
    await loop.stop()
    expect({ running, max, ended }).toEqual({ running: 0, max: 1, ended: before + 1 })
  })
})
