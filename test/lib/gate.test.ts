import { expect, test } from 'vitest'
import { BusyError, createGate } from '../../src/lib/gate.ts'

test('a gate runs a few works at once, the others in their order, and refuses the rest', async () => {
  const gate = createGate({ maxAtOnce: 2, maxWaiting: 2 })
  const order: number[] = []
  let running = 0
  let peak = 0
  const work = (number: number) =>
    gate(async () => {
      running += 1
      peak = Math.max(peak, running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running -= 1
      order.push(number)
    })
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(work))
  expect([order, peak]).toEqual([[1, 2, 3, 4], 2])
  expect(results[4]).toMatchObject({ status: 'rejected', reason: expect.any(BusyError) })
})

test('a work that fails frees its place', async () => {
  const gate = createGate({ maxAtOnce: 1, maxWaiting: 0 })
  await expect(gate(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(await gate(async () => 'done')).toBe('done')
})
