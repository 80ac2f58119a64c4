import { expect, test } from 'vitest'
import { createMicroBatch } from '../../src/lib/micro-batch.ts'

const later = () => new Promise((resolve) => setTimeout(resolve, 5))

test('calls that come together, and while others run, are answered together', async () => {
  const batches: number[][] = []
  const double = createMicroBatch(
    async (inputs: number[]) => {
      batches.push(inputs)
      await later()
      return inputs.map((one) => one * 2)
    },
    { most: 100, atOnce: 1 },
  )
  const first = [double(1), double(2)]
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  const rest = [3, 4, 5].map(double)
  expect(await Promise.all([...first, ...rest])).toEqual([2, 4, 6, 8, 10])
  expect(batches).toEqual([
    [1, 2],
    [3, 4, 5],
  ])
})

test('a batch has a bound, and so many run at once', async () => {
  let running = 0
  let most = 0
  const sizes: number[] = []
  const same = createMicroBatch(
    async (inputs: number[]) => {
      sizes.push(inputs.length)
      most = Math.max(most, ++running)
      await later()
      running -= 1
      return inputs
    },
    { most: 10, atOnce: 2 },
  )
  const inputs = Array.from({ length: 35 }, (_, index) => index)
  expect(await Promise.all(inputs.map(same))).toEqual(inputs)
  expect([most, sizes]).toEqual([2, [10, 10, 10, 5]])
})

test('one that fails does not fail the others of its batch', async () => {
  const check = createMicroBatch(
    async (inputs: number[]) => {
      if (inputs.includes(13)) throw new Error('unlucky')
      return inputs
    },
    { most: 100, atOnce: 1 },
  )
  const results = await Promise.allSettled([12, 13, 14].map(check))
  expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
