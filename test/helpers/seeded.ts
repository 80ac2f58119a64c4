/** Repeatable random values: the same seed gives the same values in the same order. */
export type Seeded = {
  seed: number
  /** A number from 0 to 1, without 1. */
  next: () => number
  /** A whole number from `min` to `max`, both included. */
  between: (min: number, max: number) => number
  pick: <T>(list: readonly T[]) => T
}

/** The seed of this run: SOAK_SEED, or a new one. */
export function seedOf(env: Record<string, string | undefined> = process.env): number {
  const text = env.SOAK_SEED ?? String(Math.floor(Math.random() * 2 ** 32))
  if (!/^\d{1,10}$/.test(text)) throw new Error(`SOAK_SEED: expected a whole number, got ${JSON.stringify(text)}`)
  return Number(text)
}

/** The number of rounds of a soak test: SOAK_ROUNDS, or the test's default. */
export function roundsOf(fallback: number, env: Record<string, string | undefined> = process.env): number {
  const text = env.SOAK_ROUNDS ?? String(fallback)
  if (!/^\d{1,6}$/.test(text)) throw new Error(`SOAK_ROUNDS: expected a whole number, got ${JSON.stringify(text)}`)
  return Number(text)
}

/** Random values from a seed. Prints the seed, so that the run can be repeated. */
export function seeded(title: string, seed = seedOf()): Seeded {
  console.log(`${title}: SOAK_SEED=${seed}`)
  // mulberry32, by Tommy Ettinger, who gave it to the public domain.
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return { seed, next, between, pick: (list) => list[between(0, list.length - 1)] as (typeof list)[number] }
}
