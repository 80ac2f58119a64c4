import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
  await operator.run('image', 'add', 'disk', '--local')
  for (const n of [1, 2])
    await operator.run('machine', 'set', `52:54:00:12:35:0${n}`, '--hostname', `web${n}`, '--label', 'rack=b4')
})
afterAll(() => operator.stop())

const act = (...argv: string[]) => operator.run('machine', 'act', ...argv)

test('machine act shows what would change, and changes it with the expected number of machines', async () => {
  const argv = ['label', '--label', 'rack=b4', '--set', 'rack=c1', '--set', 'row=x']
  expect((await act(...argv)).out).toBe(
    [
      '2 machines would change',
      'web1: labels.rack: "b4" -> "c1"; labels.row: nothing -> "x"',
      'web2: labels.rack: "b4" -> "c1"; labels.row: nothing -> "x"',
      'to apply: repeat the command with --expect 2\n',
    ].join('\n'),
  )
  expect(await act(...argv, '--expect', '1')).toMatchObject({ exitCode: 1, err: expect.stringContaining('expected 1') })
  expect((await act(...argv, '--expect', '2')).out).toMatch(/^2 machines changed\n/)
  expect((await operator.run('machine', 'list', '--label', 'rack=c1', '--quiet')).out.split('\n')).toHaveLength(3)
})

test('machine act assigns an image and deletes, and says how to create the machines again', async () => {
  await act('assign', '--match', 'web', '--to', 'disk', '--expect', '2')
  expect((await operator.run('machine', 'show', 'web1')).out).toContain('disk')
  expect((await act('delete', '--match', 'web2', '--expect', '1')).out).toMatch(
    /to create them again: GET \/api\/v1\/machines\/deleted\?transaction=\d+, then bootwright machine import\n$/,
  )
  expect((await operator.run('machine', 'show', 'web2')).exitCode).toBe(1)
})

test('machine act refuses --set and --to with other actions', async () => {
  expect((await act('label', '--match', 'x')).err).toContain('expected --set with the action label')
  expect((await act('deny', '--match', 'x', '--to', 'disk')).err).toContain('expected --to with the action assign')
})
