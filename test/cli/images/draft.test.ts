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

test('image add --promote prints how many machines boot a new version, and how to roll back', async () => {
  const { out, err } = await run('image', 'add', 'tool', '--kernel', at('two'), '--promote')
  expect(out).toBe('tool version 2: x86_64 any platform\n')
  expect(err).toContain(
    '2 machines boot version 2 from now on, and not version 1; to go back: bootwright image rollback tool\n',
  )
  expect(err).toContain('concerns 2 machines:\n  2: image tool version 1 -> image tool version 2\n')
  expect((await run('image', 'add', 'tool', '--kernel', at('two'))).err).not.toContain('from now on')
})

test('machines boot a draft only after it is promoted', async () => {
  const { out, err } = await run('image', 'add', 'tool', '--kernel', at('three'))
  expect(out).toBe('tool version 3: x86_64 any platform\n')
  expect(err).toContain(
    'version 3 is a draft, and machines boot version 2 (2 machines); to promote the draft: bootwright image promote tool 3\nto delete the draft: bootwright image delete tool 3\n',
  )
  expect((await run('image', 'show', 'tool')).out).toContain('version  2\n')
  expect((await run('image', 'add', 'tool', '--kernel', at('three'), '--draft')).out).toContain('version 3')
  const dry = await run('image', 'promote', 'tool', '3', '--dry-run')
  expect(dry.out).toBe('machines would boot tool version 3 from now on\n')
  const change = '2: image tool version 2 -> image tool version 3'
  expect(dry.err).toBe(`dry run, nothing changed; it would concern 2 machines:\n  ${change}\n`)
  expect((await run('image', 'show', 'tool')).out).toContain('version  2\n')
  const promoted = await run('image', 'promote', 'tool', '3')
  expect(promoted.out).toBe('machines boot tool version 3 from now on\n')
  expect(promoted.err).toBe(`concerns 2 machines:\n  ${change}\n`)
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
  expect((await run('image', 'add', 'tool', '--kernel', at('four'), '--promote')).err).toContain(
    '3 machines boot version 4 from now',
  )
})

test('an image that nothing names gets its new version at once', async () => {
  await run('image', 'add', 'unused', '--kernel', at('one'))
  const { err } = await run('image', 'add', 'unused', '--kernel', at('two'))
  expect(err).toContain('0 machines boot version 2 from now on')
  await run('group', 'set', 'later', '--where', 'label.rack=none', '--image', 'unused@1')
  expect((await run('image', 'add', 'unused', '--kernel', at('three'), '--title', 'New')).err).toContain(
    'version 3 is a draft, and machines boot version 2',
  )
  expect((await run('image', 'show', 'unused')).out).toMatch(/title +New\nversion +2\n/)
})

test('a second person who promotes at once gets a conflict that names the first', async () => {
  const refused = await run('image', 'promote', 'tool', '1', '--from', '2')
  expect(refused.exitCode).not.toBe(0)
  expect(refused.err).toMatch(
    /version 4 of image tool is current, not version 2: \S.* promoted version 4 at \d{4}-\S+Z\. Next step: bootwright image versions tool/,
  )
  await run('image', 'promote', 'tool', '3')
})

test('each change of what machines boot says how many machines it concerns, and a dry run changes nothing', async () => {
  const dry = async (...argv: string[]) => {
    const { err, exitCode } = await run(...argv, '--dry-run')
    expect(exitCode).toBe(0)
    return err
  }
  expect(await dry('group', 'set', 'rack', '--local')).toContain(
    'dry run, nothing changed; it would concern 1 machine:\n  1: image tool version 3 -> the local disk\n',
  )
  expect(await dry('group', 'delete', 'rack')).toBe(
    'group rack would be deleted\ndry run, nothing changed; it would concern 0 machines\n',
  )
  expect((await run('group', 'set', 'rack', '--image', 'tool@1')).err).toContain(
    'concerns 1 machine:\n  1: image tool version 3 -> image tool version 1\n',
  )
  expect(await dry('group', 'delete', 'rack')).toContain('1: image tool version 1 -> image tool version 3')
  expect(await dry('policy', 'set', 'local')).toContain('1: image tool version 3 -> the local disk')
  expect((await run('policy', 'show')).out).toContain('tool')
  expect(await dry('image', 'rollback', 'tool')).toContain('it would concern 2 machines')
  expect(await dry('image', 'delete', 'tool', '2')).toContain('version 2 of image tool would be deleted')
  expect((await run('image', 'delete', 'tool', '1', '--dry-run')).err).toContain('is pinned by group rack')
  expect((await run('group', 'delete', 'rack')).err).toContain('concerns 1 machine:')
})

test('machines that are set, acted on or armed are counted by what they boot before and after', async () => {
  const mac = '52:54:00:0d:0d:03'
  const dry = await run('machine', 'set', mac, '--image', 'tool@2', '--dry-run')
  expect(dry.err).toContain('it would concern 1 machine:\n  1: image tool version 3 -> image tool version 2\n')
  expect((await run('machine', 'show', mac)).out).toMatch(/boots +tool\n/)
  expect((await run('machine', 'set', mac, '--hostname', 'three')).err).toContain('concerns 0 machines\n')
  expect((await run('machine', 'act', 'assign', '--match', 'three', '--to', 'tool@2')).err).toContain(
    'it would concern 1 machine:\n  1: image tool version 3 -> image tool version 2\n',
  )
  const arm = ['deployment', 'arm', mac, '--image', 'tool@2']
  const armed = '1: image tool version 3 -> image tool version 2, to install it\n'
  const preview = await run(...arm, '--dry-run')
  expect(preview.out).toBe('tool@2 would be armed\n')
  expect(preview.err).toContain(`it would concern 1 machine:\n  ${armed}`)
  expect((await run('deployment', 'list')).out).not.toContain('tool')
  expect((await run(...arm)).err).toContain(`concerns 1 machine:\n  ${armed}`)
  expect((await run('machine', 'set', mac, '--local', '--dry-run')).err).toContain('it would concern 0 machines')
  await run('deployment', 'cancel', '--where', 'hostname=three')
  const many = await run('deployment', 'arm', '--where', 'hostname=three', '--image', 'tool', '--dry-run')
  expect(many.err).toContain('1: image tool version 3 -> image tool version 3, to install it\n')
})
