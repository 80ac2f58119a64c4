import { expect, test } from 'vitest'
import { createMicroBatch } from '../../../src/lib/time/micro-batch.ts'

const later = () => new Promise((resolve) => setTimeout(resolve, 5))

test('calls that arrive at the same time, or while other calls run, share a batch', async () => {
  const batches: number[][] = []
  const double = createMicroBatch(
    async (inputs: number[]) => {
      batches.push(inputs)
      await later()
      return inputs.map((input) => input * 2)
    },
    { maxSize: 100, maxConcurrent: 1 },
  )
  const first = [double(1), double(2)]
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  const second = [3, 4, 5].map(double)
  expect(await Promise.all([...first, ...second])).toEqual([2, 4, 6, 8, 10])
  expect(batches).toEqual([
    [1, 2],
    [3, 4, 5],
  ])
})

test('the size of a batch and the number of concurrent batches have limits', async () => {
  let running = 0
  let maxRunning = 0
  const sizes: number[] = []
  const same = createMicroBatch(
    async (inputs: number[]) => {
      sizes.push(inputs.length)
      maxRunning = Math.max(maxRunning, ++running)
      await later()
      running -= 1
      return inputs
    },
    { maxSize: 10, maxConcurrent: 2 },
  )
  const inputs = Array.from({ length: 35 }, (_, index) => index)
  expect(await Promise.all(inputs.map(same))).toEqual(inputs)
  expect([maxRunning, sizes]).toEqual([2, [10, 10, 10, 5]])
})

test('a call that fails does not fail the other calls of its batch', async () => {
  const check = createMicroBatch(
    async (inputs: number[]) => {
      if (inputs.includes(13)) throw new Error('unlucky')
      return inputs
    },
    { maxSize: 100, maxConcurrent: 1 },
  )
  const results = await Promise.allSettled([12, 13, 14].map(check))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
