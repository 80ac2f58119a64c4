import { expect, test } from 'vitest'
import { roundsOf, seeded, seedOf } from './seeded.ts'

test('the same seed gives the same random values', () => {
  const draw = (seed: number) => {
    const chance = seeded('a test of seeds', seed)
    return Array.from({ length: 50 }, () => chance.between(3, 9))
  }
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
  expect(new Set(draw(7))).toEqual(new Set([3, 4, 5, 6, 7, 8, 9]))
})

test('SOAK_SEED and SOAK_ROUNDS set the seed and the rounds, and invalid values are refused', () => {
  expect(seedOf({ SOAK_SEED: '4' })).toBe(4)
  expect(() => seedOf({ SOAK_SEED: 'x' })).toThrow(/SOAK_SEED: expected a whole number, got "x"/)
  expect([roundsOf(20, {}), roundsOf(20, { SOAK_ROUNDS: '300' })]).toEqual([20, 300])
})
