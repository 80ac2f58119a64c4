import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Operator, startOperator } from '../helpers/operator.ts'

let operator: Operator
const at = (name: string) => join(operator.folder, name)
beforeAll(async () => {
  operator = await startOperator()
  for (const name of ['one', 'two']) await writeFile(at(name), name)
  await run('image', 'add', 'tool', '--kernel', at('one'))
  await run('answer-file', 'set', 'ks', at('one'))
  await run('group', 'set', 'rack', '--where', 'label.rack=b4', '--image', 'tool')
})
afterAll(() => operator.stop())

/** Runs a command line that must succeed. */
async function run(...argv: string[]): Promise<{ out: string; err: string }> {
  const { exitCode, out, err } = await operator.run(...argv)
  expect([exitCode, exitCode === 0 ? '' : err]).toEqual([0, ''])
  return { out, err }
}
const json = async (...argv: string[]) => JSON.parse((await run(...argv, '--json')).out)

/** Runs a command as a dry run, which must change nothing, and then for real. Both must print these changes. */
async function twice(argv: string[], changes: string[], look: () => Promise<unknown>): Promise<string> {
  const count = changes.map((change) => Number(/^\d+/.exec(change)?.[0])).reduce((sum, machines) => sum + machines, 0)
  const text = `${count} machine${count === 1 ? '' : 's'}${changes.length > 0 ? ':' : ''}\n${changes.map((change) => `  ${change}\n`).join('')}`
  const before = await look()
  const dry = await run(...argv, '--dry-run')
  expect(dry.err).toContain(`dry run, nothing changed; it would concern ${text}`)
  expect(await look()).toEqual(before)
  const { out, err } = await run(...argv)
  if (count > 0) expect(err).toContain(`concerns ${text}`)
  expect(await look()).not.toEqual(before)
  return out
}

describe('a change of an answer file says how many machines it concerns', () => {
  const look = () => json('answer-file', 'list')
  beforeAll(async () => {
    await run('machine', 'set', '52:54:00:0d:0e:01', '--image', 'tool', '--answer-file', 'ks', '--every-boot')
    await run('machine', 'set', '52:54:00:0d:0e:02', '--local', '--answer-file', 'ks')
    await run('machine', 'set', '52:54:00:0d:0e:03')
    await run('deployment', 'arm', '52:54:00:0d:0e:03', '--image', 'tool', '--answer-file', 'ks')
  })
  const changes = [
    '1: image tool version 1 -> image tool version 1, in another way',
    '1: image tool version 1, to install it -> image tool version 1, to install it, in another way',
  ]

  test('when it gets a new version, and when an earlier version is used again', async () => {
    await writeFile(at('ks.cfg'), 'new')
    await twice(['answer-file', 'set', 'ks', at('ks.cfg')], changes, look)
    await twice(['answer-file', 'use', 'ks', '1'], changes, look)
  })

  test('when it is added and deleted', async () => {
    await twice(['answer-file', 'set', 'unused', at('one')], [], look)
    await twice(['answer-file', 'delete', 'unused'], [], look)
  })
})
