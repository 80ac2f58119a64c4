import { expect, test } from 'vitest'
import { createQuota } from '../../../src/lib/time/quota.ts'

test('createQuota refuses calls past the maximum of a period, and reports them once', () => {
  const heard: string[] = []
  let at = 0
  const mayCall = createQuota({
    max: 2,
    periodMs: 50,
    atFirst: () => heard.push('first'),
    atEnd: (refused) => heard.push(`${refused} refused`),
    now: () => at,
  })
  expect([mayCall(), mayCall(), mayCall(), mayCall()]).toEqual([true, true, false, false])
  expect(heard).toEqual(['first'])
  at = 50
  expect(mayCall()).toBe(true)
  expect(heard).toEqual(['first', '2 refused'])
})
