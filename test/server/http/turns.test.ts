import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createTurns } from '../../../src/server/http/turns.ts'

describe('the turns of admin requests', () => {
  test('run a few at once, whatever number comes', async () => {
    const turns = createTurns({ maxAtOnce: 3, maxTurnMs: 10_000 })
    let [running, most] = [0, 0]
    const work = async () => {
      running += 1
      most = Math.max(most, running)
      await sleep(1)
      running -= 1
    }
    await Promise.all(Array.from({ length: 100 }, () => turns('192.0.2.1', work)))
    expect([running, most]).toEqual([0, 3])
    // All places are free again.
    expect(await turns('192.0.2.1', () => 'done')).toBe('done')
  })

  test('alternate between addresses, so that a flood does not keep another address waiting', async () => {
    const turns = createTurns({ maxAtOnce: 1, maxTurnMs: 10_000 })
    const order: string[] = []
    const work = (name: string) => async () => {
      await sleep(1)
      order.push(name)
    }
    const flood = Array.from({ length: 50 }, (_, index) => turns('192.0.2.1', work(`flood ${index}`)))
    await Promise.all([...flood, turns('192.0.2.2', work('person'))])
    expect(order.indexOf('person')).toBeLessThan(3)
    expect(order.filter((name) => name !== 'person')).toEqual(
      Array.from({ length: 50 }, (_, index) => `flood ${index}`),
    )
  })

  test('pass on from requests that wait for something, and after failures', async () => {
    const turns = createTurns({ maxAtOnce: 2, maxTurnMs: 20 })
    let release = () => {}
    const upload = new Promise<void>((resolve) => {
      release = resolve
    })
    const uploads = Promise.all(Array.from({ length: 4 }, () => turns('192.0.2.1', () => upload)))
    await expect(turns('192.0.2.1', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await turns('192.0.2.1', () => 'done')).toBe('done')
    release()
    await uploads
    expect(await turns('192.0.2.1', () => 'done')).toBe('done')
  })

  test('leave time for sockets and timers between the requests of a flood', async () => {
    const turns = createTurns({ maxAtOnce: 4, maxTurnMs: 10_000 })
    const busy = () => {
      const until = performance.now() + 2
      while (performance.now() < until);
    }
    const flood = Promise.all(Array.from({ length: 200 }, () => turns('192.0.2.1', busy)))
    let ticks = 0
    const timer = setInterval(() => {
      ticks += 1
    }, 1)
    await flood
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(10)
  })
})
