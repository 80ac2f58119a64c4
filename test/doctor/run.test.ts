import { expect, test } from 'vitest'
import { pass } from '../../src/doctor/finding.ts'
import { runChecks } from '../../src/doctor/run.ts'

const subject = { check: 'a thing', where: 'here' }

test('a check that fails or hangs is unknown, and the others end', async () => {
  let aborted = false
  const { state, findings } = await runChecks([
    { name: 'works', run: async () => [pass(subject, 'fine')] },
    {
      name: 'fails',
      run: async () => {
        throw new Error('broken')
      },
    },
    {
      name: 'hangs',
      maxMs: 20,
      run: (signal) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = true
          })
        }),
    },
  ])
  expect(state).toBe('unknown')
  expect(findings.map(({ check, state, code, seen }) => [check, state, code, seen])).toEqual([
    ['a thing', 'ok', undefined, 'fine'],
    ['fails', 'unknown', 'BW-CHECK', 'broken'],
    ['hangs', 'unknown', 'BW-CHECK', 'no result within 0.02 s'],
  ])
  expect(aborted).toBe(true)
})
