import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
const at = (...names: string[]) => join(operator.folder, ...names)
beforeAll(async () => {
  operator = await startOperator()
  for (const name of ['one', 'two', 'three', 'four']) await writeFile(at(name), `kernel ${name}`)
  await run('image', 'add', 'tool', '--kernel', at('one'))
  await run('group', 'set', 'rack', '--where', 'label.rack=b4', '--image', 'tool')
  await run('machine', 'set', '52:54:00:0d:0d:01', '--label', 'rack=b4')
  await run('machine', 'set', '52:54:00:0d:0d:02', '--label', 'rack=b4', '--local')
  await run('machine', 'set', '52:54:00:0d:0d:03', '--image', 'tool')
})
afterAll(() => operator.stop())
const run = (...argv: string[]) => operator.run(...argv)

test('image add prints how many machines boot a new version, and how to roll back', async () => {
  const { out, err } = await run('image', 'add', 'tool', '--kernel', at('two'))
  expect(out).toBe('tool version 2: x86_64 any platform\n')
  expect(err).toContain(
    '2 machines boot version 2 from now on, and not version 1; to go back: bootwright image rollback tool\n',
  )
  expect((await run('image', 'add', 'tool', '--kernel', at('two'))).err).not.toContain('from now on')
})

test('machines boot a draft only after it is promoted', async () => {
  const { out, err } = await run('image', 'add', 'tool', '--kernel', at('three'), '--draft')
  expect(out).toBe('tool version 3: x86_64 any platform\n')
  expect(err).toContain(
    'version 3 is a draft, and machines boot version 2; to promote the draft: bootwright image promote tool 3\n',
  )
  expect((await run('image', 'show', 'tool')).out).toContain('version  2\n')
  expect((await run('image', 'add', 'tool', '--kernel', at('three'), '--draft')).out).toContain('version 3')
  expect((await run('image', 'promote', 'tool', '3')).out).toBe('machines boot tool version 3 from now on\n')
  expect((await run('image', 'rollback', 'tool')).out).toBe('machines boot tool version 2 from now on\n')
})

test('a folder can be imported as a draft, except as the first version of an image', async () => {
  await mkdir(at('netboot/debian-installer/amd64'), { recursive: true })
  const put = (text: string) =>
    Promise.all(
      ['linux', 'initrd.gz'].map((name) => writeFile(at('netboot/debian-installer/amd64', name), text + name)),
    )
  await put('first')
  expect((await run('image', 'import', at('netboot'), '--name', 'net', '--draft')).err).not.toContain('draft')
  await put('second')
  expect((await run('image', 'import', at('netboot'), '--name', 'net', '--draft')).err).toContain(
    'version 2 is a draft, and machines boot version 1',
  )
})

test('machines are counted if the policy boots the image, but not if they are denied', async () => {
  await run('policy', 'set', 'image', 'tool')
  await run('machine', 'set', '52:54:00:0d:0d:04', '--hostname', 'other')
  await run('machine', 'set', '52:54:00:0d:0d:05', '--image', 'tool', '--deny')
  expect((await run('image', 'add', 'tool', '--kernel', at('four'))).err).toContain(
    '3 machines boot version 4 from now',
  )
})
