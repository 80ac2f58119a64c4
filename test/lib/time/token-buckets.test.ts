import { expect, test } from 'vitest'
import { createTokenBuckets } from '../../../src/lib/time/token-buckets.ts'

test('a key has a burst of tokens, then one each period, and other keys have their own', () => {
  let at = 1000
  const take = createTokenBuckets({ burst: 2, everyMs: 6000, now: () => at })
  expect([take('a'), take('a'), take('a'), take('b')]).toEqual([0, 0, 6, 0])
  at += 2000
  expect(take('a')).toBe(4)
  at += 4000
  expect([take('a'), take('a')]).toEqual([0, 6])
  at += 3_600_000
  expect([take('a'), take('a'), take('a')]).toEqual([0, 0, 6])
})

test('beyond the maximum of keys, the least recently used key is deleted', () => {
  const take = createTokenBuckets({ burst: 1, everyMs: 6000, maxKeys: 2, now: () => 1000 })
  expect([take('a'), take('b'), take('a')]).toEqual([0, 0, 6])
  expect([take('c'), take('b'), take('a')]).toEqual([0, 6, 0])
})
