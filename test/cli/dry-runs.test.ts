import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployments } from '../../src/db/schema/boots.ts'
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

describe('a change of machines says how many of them it concerns', () => {
  const look = async () => [await json('machine', 'list'), await json('machine', 'list', '--archived')]
  const none = 'nothing: there is no such machine'
  const tool = 'image tool version 1'

  test('when one is added and deleted', async () => {
    const added = await twice(
      ['machine', 'add', '--mac', '52:54:00:0d:0f:01', '--label', 'rack=b4'],
      [`1: ${none} -> ${tool}`],
      look,
    )
    expect(added).toContain('52:54:00:0d:0f:01')
    await twice(['machine', 'delete', '52:54:00:0d:0f:01'], [`1: ${tool} -> ${none}`], look)
  })

  test('when its active deployment is cancelled to delete it', async () => {
    await run('machine', 'set', '52:54:00:0d:0f:02')
    await run('deployment', 'arm', '52:54:00:0d:0f:02', '--image', 'tool')
    const dry = await operator.run('machine', 'delete', '52:54:00:0d:0f:02', '--dry-run')
    expect(dry).toMatchObject({ exitCode: 1, err: expect.stringContaining('has an active deployment') })
    const changes = [`1: ${tool}, to install it -> ${none}`]
    await twice(['machine', 'delete', '52:54:00:0d:0f:02', '--yes'], changes, look)
  })

  test('when two are merged', async () => {
    await run('machine', 'set', '52:54:00:0d:0f:03', '--label', 'site=x')
    await run('machine', 'set', '52:54:00:0d:0f:04', '--label', 'rack=b4')
    const changes = [`1: the local disk -> ${tool}`, `1: ${tool} -> ${none}`]
    await twice(['machine', 'merge', '52:54:00:0d:0f:03', '--from', '52:54:00:0d:0f:04'], changes, look)
  })

  test('when one is archived and restored', async () => {
    await twice(['machine', 'archive', '52:54:00:0d:0f:03'], [`1: ${tool} -> ${none}`], look)
    const { id } = (await json('machine', 'list', '--archived')).items[0]
    await twice(['machine', 'restore', id], [`1: ${none} -> ${tool}`], look)
  })

  test('when many are changed: without --expect, act is a dry run', async () => {
    const act = ['machine', 'act', 'deny', '--label', 'rack=b4']
    expect((await run(...act, '--dry-run')).out).toEqual((await run(...act)).out)
    expect((await run(...act, '--dry-run')).err).toContain(`it would concern 1 machine:\n  1: ${tool} -> nothing`)
    expect((await operator.run(...act, '--dry-run', '--expect', '1')).exitCode).not.toBe(0)
  })
})

describe('a change of deployments says how many machines it concerns', () => {
  const look = () => json('deployment', 'list', '--state', 'active')
  const [first, second] = ['52:54:00:0d:10:01', '52:54:00:0d:10:02']
  const where = ['--where', 'label.row=r1']
  const arm = ['deployment', 'arm', ...where, '--image', 'tool']
  const [cancelled, armed] = ['image tool version 1, to install it -> the local disk', 'the local disk -> image tool']
  beforeAll(async () => {
    for (const mac of [first, second]) await run('machine', 'set', mac, '--label', 'row=r1')
  })

  test('when one or all are cancelled', async () => {
    await twice(arm, [`2: ${armed} version 1, to install it`], look)
    const { id } = (await json('deployment', 'list', '--state', 'active', '--machine', first)).items[0]
    await twice(['deployment', 'cancel', id], [`1: ${cancelled}`], look)
    await twice(['deployment', 'cancel', ...where], [`1: ${cancelled}`], look)
  })

  test('when the failed ones of a batch are armed again', async () => {
    const { batch } = await json(...arm)
    await operator.boot.deps.db.update(deployments).set({ state: 'failed', reason: 'a test' })
    await twice(['deployment', 'retry', batch], [`2: ${armed} version 1, to install it`], look)
  })
})

test('a change of whether an image is an installer says how many machines it concerns', async () => {
  await run('machine', 'set', '52:54:00:0d:11:01', '--image', 'tool')
  const machines = (await json('machine', 'list')).items.filter(
    ({ assignment }: { assignment?: { image?: string; everyBoot?: true } }) =>
      assignment?.image === 'tool' && !assignment.everyBoot,
  )
  expect(machines).toHaveLength(1)
  const dry = await run('image', 'set', 'tool', '--installer', '--dry-run')
  expect(dry.out).toBe('tool would be changed\n')
  expect(dry.err).toMatch(
    /would concern \d+ machines?:\n {2}\d+: image tool version 1 -> nothing: image tool version 1 is an installer, and would install at every boot\n/,
  )
  expect((await json('image', 'show', 'tool')).installer).toBeUndefined()
})

describe('an import says whether its version would be a draft, and how many machines boot the image', () => {
  const look = async () => [await json('image', 'list'), await json('image', 'imports'), await json('file', 'list')]
  const dry = async (...argv: string[]) => {
    const before = await look()
    const { out } = await run('image', ...argv, '--dry-run')
    expect(await look()).toEqual(before)
    return out
  }
  const nothing = 'dry run, nothing changed; it would concern'

  beforeAll(async () => {
    await run('image', 'add', 'netboot', '--kernel', at('one'))
    await run('machine', 'set', '52:54:00:0d:12:01', '--image', 'netboot')
    await run('image', 'add', 'debian-13', '--local')
    await run('image', 'add', 'unused', '--local')
    await writeFile(at('x.iso'), 'no disc')
  })

  test('before image add uploads a file', async () => {
    const add = ['add', 'netboot', '--kernel', at('two')]
    expect(await dry(...add)).toBe(
      `${nothing} 0 machines: the new version of netboot would be a draft, and 1 machine boot version 1 until it is promoted\n`,
    )
    expect(await dry(...add, '--promote')).toBe(
      `${nothing} 1 machine: they would boot the new version of netboot, and not version 1, if its files differ\n`,
    )
    expect(await dry('add', 'unused', '--kernel', at('two'))).toContain(`${nothing} 0 machines: they would boot`)
    expect(await dry('add', 'fresh', '--kernel', at('two'))).toBe(`${nothing} 0 machines: fresh would be a new image\n`)
    const missing = await operator.run('image', 'add', 'fresh', '--kernel', at('gone'), '--dry-run')
    expect([missing.exitCode, missing.err]).toEqual([1, expect.stringContaining('no such file')])
  })

  test('before a recipe, an ISO or a folder is imported', async () => {
    expect(await dry('add', 'debian-13')).toContain('they would boot the new version of debian-13, and not version 1')
    expect(await dry('add', 'fresh', '--recipe', 'debian-13')).toContain('fresh would be a new image')
    expect((await operator.run('image', 'add', 'fresh', '--recipe', 'gone', '--dry-run')).exitCode).toBe(1)
    expect(await dry('import', at('x.iso'), '--name', 'netboot')).toContain('1 machine boot version 1 until')
    expect(await dry('import', at('x.iso'))).toContain('to see how many machines it would concern: --name NAME')
    expect(await dry('import', 'https://192.0.2.1/x.iso', '--name', 'netboot')).toContain('would be a draft')
  })

  test('before a failed import is retried', async () => {
    await operator.run('image', 'import', at('x.iso'), '--name', 'netboot')
    const [{ id, state }] = (await json('image', 'imports')).items
    expect(state).toBe('failed')
    expect(await dry('imports', 'retry', id)).toContain('would be a draft')
  })
})

describe('many changes at once say how many machines boot something else', () => {
  const rows = [
    'mac,image,label.rack,serial',
    '52:54:00:0d:13:01,tool,,',
    '52:54:00:0d:13:02,tool@1,,',
    '52:54:00:0d:13:03,,,S1',
    '52:54:00:0d:13:04,,b4,',
  ].join('\n')
  const changes = ['2: the local disk -> image tool version 2', '1: the local disk -> image tool version 1']

  test('in the rows of an import', async () => {
    for (let n = 1; n <= 4; n++) await run('machine', 'set', `52:54:00:0d:13:0${n}`)
    await run('image', 'set', 'tool', '--no-installer')
    await run('image', 'add', 'tool', '--kernel', at('two'), '--promote')
    await writeFile(at('rows.csv'), rows)
    const out = await twice(['machine', 'import', at('rows.csv')], changes, () => json('machine', 'list'))
    expect(out).toContain('4 rows: 0 created, 4 changed')
    const again = await run('machine', 'import', at('rows.csv'), '--atomic')
    expect(again.err).toContain('concerns 0 machines\n')
  })

  test('in a folder that is applied', async () => {
    await run('export', at('folder'))
    await writeFile(at('folder/policy.yaml'), 'kind: wait\n')
    await mkdir(at('folder/groups'), { recursive: true })
    await writeFile(
      at('folder/groups/rack.yaml'),
      'selector:\n  - label: rack\n    equals: b4\nassignment:\n  local: true\n',
    )
    const before = (await json('machine', 'list')).items.length
    const dry = await run('apply', at('folder'), '--dry-run')
    expect(dry.err).toMatch(/^dry run, nothing changed; it would concern \d+ machines:\n/)
    expect(dry.err).toMatch(/ {2}\d+: the local disk -> nothing: it waits until it is assigned\n/)
    expect(dry.err).toContain('image tool version 2 -> the local disk\n')
    const done = await run('apply', at('folder'))
    expect(done.err).toBe(dry.err.replace('dry run, nothing changed; it would concern', 'concerns'))
    expect(await run('apply', at('folder'))).toMatchObject({
      err: '',
      out: expect.stringMatching(/^nothing to change/),
    })
    expect((await json('machine', 'list')).items).toHaveLength(before)
  })
})
