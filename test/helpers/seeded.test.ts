import { expect, test } from 'vitest'
import { roundsOf, seeded, seedOf } from './seeded.ts'

test('a soak that is given the same seed does the same', () => {
  const draw = (seed: number) => {
    const chance = seeded('a test of seeds', seed)
    return Array.from({ length: 50 }, () => chance.between(3, 9))
  }
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
  expect(new Set(draw(7))).toEqual(new Set([3, 4, 5, 6, 7, 8, 9]))
})

test('the seed and the rounds of a soak can be set, and nonsense is refused', () => {
  expect(seedOf({ SOAK_SEED: '4' })).toBe(4)
  expect(() => seedOf({ SOAK_SEED: 'x' })).toThrow(/SOAK_SEED: expected a whole number, got "x"/)
  expect([roundsOf(20, {}), roundsOf(20, { SOAK_ROUNDS: '300' })]).toEqual([20, 300])
})
