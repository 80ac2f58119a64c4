import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveAnswerFile } from '../../../src/inventory/images/answer-files.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { saveSecret } from '../../../src/inventory/machines/secrets.ts'
import type { FileRef, Variant } from '../../../src/model/image.ts'
import { getAsIpxe } from '../../helpers/boot-server.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
const run = async (...argv: string[]) => {
  const { exitCode, out, err } = await operator.run(...argv)
  return { exitCode, text: `${out}${err}` }
}
const macOf = (n: number) => `52:54:00:de:00:0${n}`
const variantOf = (kernel: FileRef): Variant => ({ arch: 'x86_64', kind: 'linux', kernel, initrds: [], args: [] })
const scriptOf = (n: number) =>
  getAsIpxe(`${operator.boot.url}/ipxe?mac=${macOf(n)}&platform=efi&buildarch=x86_64&cpuarch=x86_64`)

beforeAll(async () => {
  operator = await startOperator()
  const { db, sealer } = operator.boot.deps
  const kernel = await operator.boot.addFile('linux', Buffer.from('kernel 1'))
  await saveImage(db, 'debian', { variants: [variantOf(kernel)] }, {}, 'tester')
  const text = '{{ params.disk }} {{ secrets.root }}\n'
  await saveAnswerFile(
    db,
    'preseed',
    { documents: [{ name: 'preseed.cfg', mediaType: 'text/plain', text }] },
    {},
    'tester',
  )
  for (const n of [1, 2, 3, 4]) {
    const params: Record<string, string> = n === 2 ? {} : { disk: '/dev/sda' }
    const assignment = { local: true as const, answerFile: 'preseed', params }
    const change = { hostname: `node${n}`, labels: { rack: 'b4' }, assignment }
    const { machine } = await saveMachine(db, { mac: macOf(n) }, change, {}, 'tester')
    if (n !== 3) await saveSecret(db, sealer, { kind: 'machine', id: machine.id }, 'root', 'x', 'tester')
  }
})
afterAll(() => operator.stop())

const batchIn = (text: string) => /deployment cancel --batch (\S+)/.exec(text)?.[1] as string

test('deployment arm skips machines that cannot boot the image, with host name and reason', async () => {
  const command = ['deployment', 'arm', '--where', 'label.rack=b4', '--image', 'debian']
  for (const dry of [['--dry-run'], []]) {
    const { text } = await run(...command, ...dry)
    expect(text).toContain(`2 machines ${dry.length > 0 ? 'would be armed' : 'armed'}, 2 skipped`)
    expect(text).toMatch(/^skipped node2: answer file preseed: .*params\.disk/m)
    expect(text).toMatch(/^skipped node3: answer file preseed: .*secrets\.root/m)
  }
  expect((await run('deployment', 'list', '--state', 'active')).text.trim().split('\n').length).toBe(3)
  const one = await run('deployment', 'arm', 'node2', '--image', 'debian')
  expect(one.exitCode).not.toBe(0)
  expect(one.text).toMatch(/machine node2 is not armed with debian: .*params\.disk.*--force/s)
  expect((await run('deployment', 'arm', 'node2', '--image', 'debian', '--force')).exitCode).toBe(0)
  expect((await run('deployment', 'arm', 'node3', '--image', 'debian', '--param', 'disk=/dev/sdb')).text).toContain(
    'secrets.root',
  )

  const dry = await run('deployment', 'cancel', '--where', 'label.rack=b4', '--dry-run')
  expect(dry.text).toContain('3 deployments would be cancelled')
  expect((await run('deployment', 'cancel', '--where', 'label.rack=b4')).text).toMatch(/^3 deployments cancelled\nnode/)
  expect((await run('deployment', 'list', '--state', 'active')).text.trim().split('\n').length).toBe(1)
})

test('deployments that were armed together are listed and cancelled by their batch', async () => {
  const { text } = await run('deployment', 'arm', '--where', 'label.rack=b4', '--image', 'debian', '--force')
  expect(text).toContain('4 machines armed, 0 skipped')
  const batch = batchIn(text)
  expect((await run('deployment', 'list', '--batch', batch)).text.trim().split('\n').length).toBe(5)
  await run('deployment', 'cancel', '--where', 'hostname=node1')
  expect((await run('deployment', 'cancel', '--batch', batch)).text).toContain('3 deployments cancelled')
  expect((await run('deployment', 'cancel', '--batch', batch)).text).toContain('0 deployments cancelled')
  expect((await run('deployment', 'cancel', batch, '--where', 'a=b')).exitCode).not.toBe(0)
})

test('a deployment installs the version it was armed with, unless it follows the image', async () => {
  const { db } = operator.boot.deps
  await run('deployment', 'arm', 'node1', '--image', 'debian')
  await run('deployment', 'arm', 'node4', '--image', 'debian', '--follow')
  const kernel = await operator.boot.addFile('linux', Buffer.from('kernel 2'))
  await saveImage(db, 'debian', { variants: [variantOf(kernel)] }, {}, 'tester')
  const pinned = await scriptOf(1)
  expect(pinned).toContain('installs debian version 1')
  expect(pinned).not.toContain(kernel.sha256)
  expect(await scriptOf(4)).toContain('installs debian version 2')
  expect((await run('image', 'delete', 'debian', '1')).text).toMatch(/is being booted by .*deployment/)
  // After its end the machine's own assignment has whichever version is current.
  await saveMachine(db, { mac: macOf(1) }, { assignment: { image: 'debian', everyBoot: true } }, {}, 'tester')
  await run('deployment', 'cancel', '--where', 'label.rack=b4')
  expect(await scriptOf(1)).toContain('boots debian version 2')
})

test('a machine with an active deployment is deleted only with --yes', async () => {
  await run('deployment', 'arm', 'node4', '--image', 'debian')
  const refused = await run('machine', 'delete', 'node4')
  expect(refused.exitCode).not.toBe(0)
  expect(refused.text).toMatch(/active deployment: \S+ of debian \(armed\).*bootwright machine delete node4 --yes/)
  expect((await run('machine', 'delete', 'node4', '--yes')).exitCode).toBe(0)
})
