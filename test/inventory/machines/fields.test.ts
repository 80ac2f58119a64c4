import { getTableColumns } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { machines } from '../../../src/db/schema/machines.ts'
import { saveAnswerFile } from '../../../src/inventory/images/answer-files.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { assignmentFieldNames } from '../../../src/inventory/machines/assignment-change.ts'
import { keptColumns, machineFieldNames } from '../../../src/inventory/machines/fields.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

// A value of each field, and its options on the command line. A field that is missing here is a text.
type Sample = { value: unknown; argv: string[]; shown?: RegExp; beside?: object }
const samples: Record<string, Sample> = {
  uuid: { value: '4c4c4544-0037-4710-8051-b4c04f463533', argv: ['--uuid', '4c4c4544-0037-4710-8051-b4c04f463533'] },
  expectedBy: { value: '2027-03-31', argv: ['--expected-by', '2027-03-31'] },
  denied: { value: true, argv: ['--deny'], shown: /denied/ },
  labels: { value: { row: '7' }, argv: ['--label', 'row=7'], shown: /row=7/ },
  assignment: { value: { args: ['quiet'] }, argv: ['--arg', 'quiet'], shown: /quiet/ },
  'assignment.local': { value: true, argv: ['--local'], shown: /local disk/ },
  'assignment.version': {
    value: 1,
    argv: ['--image', 'field@1'],
    shown: /field@1/,
    // The field belongs to an image.
    beside: { image: 'field' },
  },
  'assignment.everyBoot': {
    value: true,
    argv: ['--image', 'field', '--every-boot'],
    shown: /field, at every boot/,
    // The field belongs to an image.
    beside: { image: 'field' },
  },
  'assignment.menu': { value: 'field', argv: ['--menu', 'field'] },
  'assignment.answerFile': { value: 'field', argv: ['--answer-file', 'field'] },
  'assignment.image': { value: 'field', argv: ['--image', 'field'] },
  'assignment.args': {
    value: ['a={{ boot.url }}', 'quiet'],
    argv: ['--arg', 'a={{ boot.url }}', '--arg', 'quiet'],
    shown: /a=\{\{ boot.url }} quiet/,
  },
  'assignment.withoutArgs': {
    value: ['console=*', 'splash'],
    argv: ['--without-arg', 'console=*', '--without-arg', 'splash'],
    shown: /without console=\* splash/,
  },
  'assignment.params': {
    value: { disk: '/dev/vda', n: [1] },
    argv: ['--param', 'disk=/dev/vda', '--param', 'n=[1]'],
    shown: /param.n +\[1]\nparam.disk +"\/dev\/vda"/,
  },
  'assignment.localBoot': {
    value: { pcbios: 'sanboot', efi: { file: '\\EFI\\x.efi' } },
    argv: ['--local-boot', 'pcbios=sanboot', '--local-boot', 'efi=\\EFI\\x.efi'],
    shown: /efi disk by \\EFI\\x.efi, pcbios disk by sanboot/,
  },
  'assignment.bootProgram': {
    value: 'ipxe.efi',
    argv: ['--boot-program', 'ipxe.efi'],
    shown: /boot program ipxe\.efi/,
  },
  'assignment.proxy': { value: 'pxe10', argv: ['--proxy', 'pxe10'], shown: /proxy pxe10/ },
}
const columns = Object.keys(getTableColumns(machines)).filter(
  (name) => !(keptColumns as readonly string[]).includes(name),
)
const fields = [...columns, ...assignmentFieldNames.map((name) => `assignment.${name}`)]
const sampleOf = (field: string): Sample => {
  const option = field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return samples[field] ?? { value: `the-${option}`, argv: [`--${option}`, `the-${option}`] }
}
const bodyOf = (field: string) => {
  const { value, beside } = sampleOf(field)
  const [outer = '', inner] = field.split('.')
  return { [outer]: inner === undefined ? value : { ...beside, [inner]: value } }
}

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
  await saveImage(
    operator.boot.deps.db,
    'field',
    { variants: [{ arch: 'x86_64', kind: 'local' }] } as never,
    {},
    'tester',
  )
  await operator.runWith(
    '{"title": "F", "entries": [{"name": "d", "text": "D", "kind": "local"}]}',
    'menu',
    'set',
    'field',
    '-',
  )
  await saveAnswerFile(
    operator.boot.deps.db,
    'field',
    {
      documents: [{ name: 'preseed.cfg', mediaType: 'text/plain', text: 'd-i x boolean true' }],
    },
    {},
    'tester',
  )
})
afterAll(() => operator.stop())

let macs = 0
const freshMac = () => `52:54:00:f1:e1:${(macs++).toString(16).padStart(2, '0')}`
const machine = async (mac: string) => JSON.parse((await operator.run('machine', 'show', mac, '--json')).out)
const upload = (text: string, ...options: string[]) => operator.runWith(text, 'machine', 'import', '-', ...options)

test('every column is a field that operators enter, or a column that the server maintains', () => {
  expect([...machineFieldNames].sort()).toEqual([...columns].sort())
})

describe.each(fields)('%s of a machine', (field) => {
  const body = bodyOf(field)

  test('can be set, shown and cleared with the command line', async () => {
    const mac = freshMac()
    const set = await operator.run('machine', 'set', mac, ...sampleOf(field).argv)
    expect(set.err).not.toContain('error')
    expect(await machine(mac)).toMatchObject(body)
    const shown = (await operator.run('machine', 'show', mac)).out
    expect(shown).toMatch(sampleOf(field).shown ?? String(sampleOf(field).value))
    await operator.run('machine', 'set', mac, '--hostname', `keeps-${macs}`)
    expect(await machine(mac)).toMatchObject(field === 'hostname' ? { hostname: `keeps-${macs}` } : body)
    const cleared =
      field === 'denied'
        ? ['--allow']
        : [
            '--clear',
            field
              .replace(/^assignment\./, '')
              .replace('expectedBy', 'expected-by')
              .replace('answerFile', 'answer-file')
              .replace('localBoot', 'local-boot')
              .replace('bootProgram', 'boot-program'),
          ]
    expect((await operator.run('machine', 'set', mac, ...cleared)).exitCode).toBe(0)
    expect(await machine(mac)).not.toMatchObject(field === 'hostname' ? { hostname: `keeps-${macs}` } : body)
  })

  test('is saved by the bulk upload of new and existing machines, and the export contains it', async () => {
    for (const format of ['ndjson', 'csv']) {
      const csv = format === 'csv' ? ['--csv'] : []
      const [first, second, empty] = [freshMac(), freshMac(), freshMac()]
      await operator.run('machine', 'set', empty)
      for (const mac of [first, empty]) {
        expect((await upload(`${JSON.stringify({ mac, ...body })}\n`)).exitCode).toBe(0)
        expect(await machine(mac)).toMatchObject(body)
      }
      const { out } = await operator.run('machine', 'export', ...csv)
      const all = out.trimEnd().split('\n')
      const row = all.find((line) => line.includes(first))?.replace(first, second)
      const again = await upload(`${csv.length > 0 ? `${all[0]}\n` : ''}${row}\n`, ...csv)
      expect(again.exitCode).toBe(0)
      expect(await machine(second)).toMatchObject(body)
    }
  })

  test('is cleared by a replacement without it, and kept by a change of another field', async () => {
    const mac = freshMac()
    await upload(`${JSON.stringify({ mac, ...body })}\n`)
    const other = field === 'asset' ? { serial: 'other' } : { asset: 'other' }
    await upload(`${JSON.stringify({ mac, ...other })}\n`)
    expect(await machine(mac)).toMatchObject({ ...body, ...other })
    await upload(`${JSON.stringify({ mac, ...other })}\n`, '--replace')
    expect(await machine(mac)).not.toMatchObject(body)
    await upload(`${JSON.stringify({ mac, ...body })}\n`)
    expect((await operator.run('machine', 'set', mac, '--replace')).err).not.toContain('bootwright: ')
    expect(await machine(mac)).not.toMatchObject(body)
  })

  test('is copied to the machine that it is merged into, and recorded', async () => {
    const [into, from] = [freshMac(), freshMac()]
    await operator.run('machine', 'set', into)
    await upload(`${JSON.stringify({ mac: from, ...body })}\n`)
    await operator.run('machine', 'merge', into, '--from', from)
    expect(await machine(into)).toMatchObject(body)
    const { items } = JSON.parse((await operator.run('changes', '--of', into, '--json')).out)
    expect(items[0].after).toMatchObject(body)
  })

  test('is documented', async () => {
    expect((await operator.run('machine', 'set', '--help')).out).toContain(sampleOf(field).argv[0])
    const { components } = (await (await fetch(`${operator.adminUrl}/api/v1/openapi.json`)).json()) as {
      components: { schemas: Record<string, { properties: object }> }
    }
    const [outer = '', inner] = field.split('.')
    const { properties } = components.schemas[inner === undefined ? 'MachineChange' : 'AssignmentChange'] ?? {}
    expect(Object.keys(properties ?? {})).toContain(inner ?? outer)
  })
})
