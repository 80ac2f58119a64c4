import { expect, test } from 'vitest'
import { createAdmission, type Transfer } from '../../../src/bytes/send/admission.ts'

const clock = () => {
  let at = 0
  return { now: () => at, pass: (ms: number) => (at += ms) }
}
const entered = (one: Transfer | { retryAfterSeconds: number }): Transfer => {
  if ('retryAfterSeconds' in one) throw new Error(`refused for ${one.retryAfterSeconds} s`)
  return one
}

test('admits downloads up to the limit, and the next when a download ended', () => {
  const admission = createAdmission({ maxTransfers: 2, bytesPerSecond: undefined }, clock())
  const first = entered(admission.enter())
  entered(admission.enter())
  expect(admission.enter()).toHaveProperty('retryAfterSeconds')
  first.leave()
  entered(admission.enter())
  expect(admission.enter()).toHaveProperty('retryAfterSeconds')
})

test('spreads those it refuses over the time that the queue needs', () => {
  const { now, pass } = clock()
  let chance = 0
  // The golden ratio's steps fill the unit interval evenly.
  const random = () => (chance = (chance + 0.618) % 1)
  const admission = createAdmission({ maxTransfers: 10, bytesPerSecond: undefined }, { now, random })
  // Downloads take two seconds, lately.
  for (let round = 0; round < 100; round++) {
    const one = entered(admission.enter())
    pass(2000)
    one.leave()
  }
  for (let slot = 0; slot < 10; slot++) entered(admission.enter())
  const waits = Array.from({ length: 100 }, () => admission.enter()).map((one) =>
    'retryAfterSeconds' in one ? one.retryAfterSeconds : 0,
  )
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1)
  // 100 in ten places at two seconds each: the last one gets a Retry-After of about 20 s.
  expect(Math.max(...waits)).toBeGreaterThan(15)
  expect(Math.max(...waits)).toBeLessThanOrEqual(23)
  expect(new Set(waits).size).toBeGreaterThan(8)
})

test('never says more than a minute, and counts nobody twice who comes back when told', () => {
  const { now, pass } = clock()
  const admission = createAdmission({ maxTransfers: 1, bytesPerSecond: undefined }, { now, random: () => 0.999 })
  const slow = entered(admission.enter())
  pass(600_000)
  slow.leave()
  entered(admission.enter())
  for (let one = 0; one < 1000; one++) expect(admission.enter()).toEqual({ retryAfterSeconds: 60 })
  const calm = createAdmission({ maxTransfers: 1, bytesPerSecond: undefined }, { now, random: () => 0.999 })
  entered(calm.enter())
  // One machine, again and again: the queue is one, and a download takes a second as far as anybody knows.
  for (let time = 0; time < 20; time++) {
    const answer = calm.enter()
    expect(answer).toEqual({ retryAfterSeconds: 3 })
    pass(3001)
  }
})

test('does not hold up anybody within the speed, and all of them together beyond it', async () => {
  const { now, pass } = clock()
  const { rateLimit } = entered(createAdmission({ maxTransfers: 9, bytesPerSecond: 1000 }, { now }).enter())
  pass(5000)
  // A second's worth may come at once.
  expect(rateLimit(1000)).toBeUndefined()
  expect(rateLimit(50)).toBeInstanceOf(Promise)
  pass(2000)
  expect(rateLimit(500)).toBeUndefined()
})

test('takes the place of a stalled download for an address that has fewer, and of no other', () => {
  const { now, pass } = clock()
  const admission = createAdmission({ maxTransfers: 3, bytesPerSecond: undefined }, { now })
  const cut: string[] = []
  const enter = (address: string, name: string) => admission.enter({ address, disconnect: () => cut.push(name) })
  const [stalled, moving] = ['stalled', 'moving', 'late'].map((name) => entered(enter('10.9.0.1', name)))
  pass(9000)
  moving?.moved()
  expect(enter('10.9.0.2', 'early')).toHaveProperty('retryAfterSeconds')
  pass(1500)
  expect(enter('10.9.0.1', 'the same address')).toHaveProperty('retryAfterSeconds')
  entered(enter('10.9.0.2', 'second'))
  expect(cut).toEqual(['stalled'])
  stalled?.leave()
  entered(enter('10.9.0.3', 'third'))
  expect(cut).toEqual(['stalled', 'late'])
  pass(20_000)
  expect(enter('10.9.0.3', 'as many as the others')).toHaveProperty('retryAfterSeconds')
})
