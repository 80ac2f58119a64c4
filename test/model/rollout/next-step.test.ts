import { describe, expect, test } from 'vitest'
import { type Moving, nextStep, noCounts, type WaveCounts } from '../../../src/model/rollout/next-step.ts'
import { inPlaces, shareCount, waveOfPlace, wholeShares } from '../../../src/model/rollout/waves.ts'

const now = new Date('2026-01-15T12:00:00Z')
const waves = [{ share: 5, until: 95 }, { share: 25, until: 95 }, { share: 100 }]
const usual: Moving = { state: 'running', wave: 0, waves, bound: { percent: 5 }, accepted: 0, window: null }
const counts = (...given: Partial<WaveCounts>[]) => given.map((some) => ({ ...noCounts(), ...some }))
const rest = [{ waiting: 20 }, { waiting: 75 }]
const step = (rollout: Partial<Moving>, ...given: Partial<WaveCounts>[]) =>
  nextStep({ ...usual, ...rollout }, counts(...given), now)
const waitOf = (...given: Parameters<typeof step>) => {
  const found = step(...given)
  return found.do === 'wait' ? `${found.waiting.on}: ${found.waiting.text}` : found.do
}

describe('the next step of a rollout', () => {
  test('begins the machines of its wave, and no machine of a later wave', () => {
    expect(step({}, { waiting: 5 }, ...rest)).toEqual({ do: 'act' })
    expect(waitOf({}, { armed: 5 }, ...rest)).toBe(
      'machines: Wave 1 of 3 waits for 95 %: 0 of 5 machines succeeded. 5 machines have not booted yet',
    )
    expect(step({ wave: 1 }, { succeeded: 5 }, { waiting: 1, armed: 19 }, { waiting: 75 })).toEqual({ do: 'act' })
    // A machine that was taken back, or is retried, begins also after its wave ended.
    expect(step({ wave: 1 }, { succeeded: 4, waiting: 1 }, { armed: 20 }, { waiting: 75 })).toEqual({ do: 'act' })
  })

  test('goes to the next wave when the success rate is reached exactly', () => {
    expect(step({}, { succeeded: 19, armed: 1 }, ...rest)).toEqual({ do: 'advance' })
    expect(waitOf({}, { succeeded: 18, running: 2 }, ...rest)).toContain('waits for 95 %: 18 of 20')
    expect(step({}, { succeeded: 4, skipped: 16 }, ...rest)).toEqual({ do: 'advance' })
    // A share of few machines may add none.
    expect(step({}, {}, ...rest)).toEqual({ do: 'advance' })
  })

  test('waits for a person without a rate, beyond its rate, and if there is nothing to judge', () => {
    const byHand = { waves: [{ share: 5 }, { share: 100 }] }
    expect(waitOf(byHand, { succeeded: 5 }, { waiting: 95 })).toBe(
      'person: Wave 1 of 2 waits for an approval: 5 of 5 machines succeeded',
    )
    expect(waitOf({ bound: { count: 3 } }, { succeeded: 18, failed: 2 }, ...rest)).toBe(
      'person: Wave 1 of 3 can no longer reach 95 %: 2 of 20 machines failed. Next step: retry or approve',
    )
    expect(waitOf({}, { skipped: 5 }, ...rest)).toBe(
      'person: Wave 1 of 3 waits for an approval: all its 5 machines were skipped',
    )
  })

  test('stops when failures pass the bound, and not before', () => {
    expect(step({}, { succeeded: 10, failed: 1, running: 9 }, ...rest).do).toBe('wait')
    expect(step({}, { succeeded: 10, failed: 2, running: 8 }, ...rest)).toEqual({
      do: 'stop',
      reason: '2 of 20 machines failed: more than 5 %',
    })
    const byCount = { bound: { count: 2 } } as const
    expect(step(byCount, { failed: 2, running: 98 }, ...rest).do).toBe('wait')
    expect(step(byCount, { failed: 3, running: 97 }, ...rest).do).toBe('stop')
    expect(step({ bound: { count: 0 } }, { failed: 1, running: 97 }, ...rest).do).toBe('stop')
    // The failures of all reached waves count.
    expect(step({ ...byCount, wave: 1 }, { failed: 2, succeeded: 50 }, { failed: 1, armed: 9 }, {}).do).toBe('stop')
    // A person who resumes the rollout accepts the failures so far.
    expect(step({ ...byCount, accepted: 3 }, { failed: 3, running: 97 }, ...rest).do).toBe('wait')
    expect(step({ ...byCount, accepted: 3 }, { failed: 6, running: 94 }, ...rest).do).toBe('stop')
  })

  test('takes back what has not begun when it is paused, stopped or outside its window', () => {
    for (const state of ['paused', 'stopped'] as const) {
      expect(step({ state }, { armed: 1, running: 4 }, ...rest).do).toBe('withdraw')
      expect(waitOf({ state }, { waiting: 1, running: 4 }, ...rest)).toMatch(/^person: The rollout is /)
    }
    const window = { from: '22:00', to: '04:00', zone: 'UTC' }
    expect(step({ window }, { armed: 1, running: 4 }, ...rest)).toEqual({
      do: 'withdraw',
      why: 'the maintenance window closed',
    })
    expect(step({ window }, { waiting: 1, running: 4 }, ...rest)).toEqual({
      do: 'wait',
      waiting: { on: 'window', text: 'The maintenance window is closed', until: new Date('2026-01-15T22:00:00Z') },
    })
    const night = new Date('2026-01-15T23:00:00Z')
    expect(nextStep({ ...usual, window }, counts({ waiting: 1 }, ...rest), night)).toEqual({ do: 'act' })
  })

  test('finishes when every machine of the last wave ended', () => {
    const last = { wave: 2 }
    expect(waitOf(last, { succeeded: 5 }, { succeeded: 20 }, { succeeded: 70, running: 2, armed: 3 })).toBe(
      'machines: The last wave waits for every machine: 2 machines boot or install now, 3 machines have not booted yet',
    )
    expect(waitOf(last, { succeeded: 4, running: 1 }, { succeeded: 20 }, { succeeded: 75 })).toContain(
      '1 machine boots',
    )
    expect(step(last, { succeeded: 5 }, { succeeded: 20 }, { succeeded: 72, failed: 1, skipped: 2 })).toEqual({
      do: 'finish',
    })
    for (const state of ['finished', 'cancelled', 'rolled-back'] as const)
      expect(step({ ...last, state }, { armed: 5 }, {}, {})).toEqual({ do: 'nothing' })
  })
})

describe('waves', () => {
  const ids = Array.from({ length: 1000 }, (_, at) => `machine-${at}`)

  test('give each machine the same place, so that a larger share contains the smaller one', () => {
    const places = inPlaces(ids)
    expect(inPlaces(ids.toReversed())).toEqual(places)
    expect(new Set(places).size).toBe(1000)
    expect(places).not.toEqual(ids)
    // Machines that are added later do not change the order of the others.
    const more = inPlaces([...ids, 'another', 'one more'])
    expect(more.filter((id) => ids.includes(id))).toEqual(places)
  })

  test('divide machines by their shares, and lose none', () => {
    const shares = [5, 25, 100]
    for (const machines of [1, 2, 3, 7, 20, 99, 1000]) {
      const all = Array.from({ length: machines }, (_, place) => waveOfPlace(place, machines, shares))
      for (const [wave, share] of shares.entries())
        expect(all.filter((of) => of <= wave)).toHaveLength(shareCount(machines, share))
    }
    expect(shareCount(1000, 5)).toBe(50)
    expect(shareCount(3, 5)).toBe(1)
  })

  test('rise, and end with all machines', () => {
    expect(wholeShares([5])).toEqual([5, 100])
    expect(wholeShares([5, 25, 100])).toEqual([5, 25, 100])
    expect(wholeShares([])).toEqual([100])
    for (const wrong of [[25, 5], [5, 5], [0, 10], [101], [2.5]]) expect(wholeShares(wrong)).toBeUndefined()
  })
})
