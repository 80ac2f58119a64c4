import { describe, expect, test } from 'vitest'
import type { Facts } from '../../src/model/facts.ts'
import {
  type Condition,
  compileSelector,
  formatCondition,
  foundFor,
  matchesGlob,
  subjectOf,
} from '../../src/model/selector.ts'
import { machineOf } from '../helpers/decide.ts'

const target = { arch: 'x86_64', platform: 'efi' } as const
const uuid = '4c4c4544-0042-3510-8054-b7c04f4e3332'
const swapped = '44454c4c-4200-1035-8054-b7c04f4e3332'
const facts: Facts = {
  mac: '52:54:00:aa:bb:cc',
  uuid,
  serial: 'S-1',
  asset: 'A 1',
  manufacturer: 'Dell Inc.',
  product: 'PowerEdge R650',
  hostname: 'Web1.Example.org',
  ip: '10.1.2.3',
}
const machine = machineOf({ hostname: undefined, labels: { rack: 'b4', 'a/b': 'x y', constructor: 'c' } } as never)
delete machine.hostname
const subject = subjectOf(machine, facts, target)
const holds = (condition: Condition) => compileSelector([condition])(subject) === undefined

describe('a condition', () => {
  test.each<[Condition, boolean]>([
    [{ fact: 'mac', equals: '52:54:00:aa:bb:cc' }, true],
    [{ fact: 'mac', equals: '52-54-00-AA-BB-CC' }, true],
    [{ fact: 'mac', equals: '5254.00aa.bbcc' }, true],
    [{ fact: 'mac', equals: '525400aabbcc' }, true],
    [{ fact: 'mac', equals: '01-52-54-00-aa-bb-cc' }, true],
    [{ fact: 'mac', equals: '52:54:00:12:34:56' }, true],
    [{ fact: 'mac', equals: '52:54:00:aa:bb:cd' }, false],
    [{ fact: 'mac', in: ['00:00:00:00:00:01', '52-54-00-12-34-56'] }, true],
    [{ fact: 'mac', in: ['00:00:00:00:00:01'] }, false],
    [{ fact: 'mac', prefix: '52:54:00' }, true],
    [{ fact: 'mac', prefix: '5254.00' }, true],
    [{ fact: 'mac', prefix: '52-54-00-A' }, true],
    [{ fact: 'mac', prefix: '52:54:01' }, false],
    [{ fact: 'mac', glob: '52:54:*:CC' }, true],
    [{ fact: 'mac', glob: '52-54-*' }, false],
    [{ fact: 'uuid', equals: uuid }, true],
    [{ fact: 'uuid', equals: uuid.toUpperCase() }, true],
    [{ fact: 'uuid', equals: swapped }, true],
    [{ fact: 'uuid', equals: uuid.replaceAll('-', '') }, true],
    [{ fact: 'uuid', in: [swapped, 'x'] }, true],
    [{ fact: 'uuid', equals: '4c4c4544-0042-3510-8054-b7c04f4e3333' }, false],
    [{ fact: 'uuid', prefix: '4C4C' }, true],
    [{ fact: 'serial', equals: 'S-1' }, true],
    [{ fact: 'serial', equals: 's-1' }, false],
    [{ fact: 'serial', in: ['x', 'S-1'] }, true],
    [{ fact: 'asset', equals: 'A 1' }, true],
    [{ fact: 'asset', glob: 'A?1' }, true],
    [{ fact: 'manufacturer', prefix: 'Dell' }, true],
    [{ fact: 'product', prefix: 'PowerEdge' }, true],
    [{ fact: 'product', glob: '*R6?0' }, true],
    [{ fact: 'product', glob: 'R6*' }, false],
    [{ fact: 'product', equals: 'PowerEdge' }, false],
    [{ fact: 'hostname', equals: 'web1.example.org' }, true],
    [{ fact: 'hostname', equals: 'WEB1.example.ORG' }, true],
    [{ fact: 'hostname', glob: 'web*.example.org' }, true],
    [{ fact: 'hostname', prefix: 'WEB' }, true],
    [{ fact: 'arch', equals: 'x86_64' }, true],
    [{ fact: 'arch', in: ['arm64', 'i386'] }, false],
    [{ fact: 'platform', equals: 'efi' }, true],
    [{ fact: 'platform', equals: 'pcbios' }, false],
    [{ fact: 'ip', equals: '10.1.2.3' }, true],
    [{ fact: 'ip', cidr: '10.1.0.0/16' }, true],
    [{ fact: 'ip', cidr: '10.1.2.3/32' }, true],
    [{ fact: 'ip', cidr: '10.2.0.0/16' }, false],
    [{ fact: 'ip', cidr: 'fd00::/8' }, false],
    [{ fact: 'ip', prefix: '10.1.' }, true],
    [{ label: 'rack', equals: 'b4' }, true],
    [{ label: 'rack', equals: 'B4' }, false],
    [{ label: 'rack', in: ['b4', 'b5'] }, true],
    [{ label: 'rack', prefix: 'b' }, true],
    [{ label: 'a/b', equals: 'x y' }, true],
    [{ label: 'a/b', glob: '*' }, true],
    [{ label: 'other', glob: '*' }, false],
    [{ label: 'rack', exists: true }, true],
    [{ label: 'rack', exists: false }, false],
    [{ label: 'other', exists: true }, false],
    [{ label: 'other', exists: false }, true],
    [{ label: 'toString', exists: true }, false],
    [{ label: 'constructor', equals: 'c' }, true],
    [{ fact: 'serial', exists: true }, true],
    [{ fact: 'serial', exists: false }, false],
  ])('%j of the machine is %s', (condition, expected) => expect(holds(condition)).toBe(expected))

  test.each<[string, Condition]>([
    ['product prefix "Power"', { fact: 'product', prefix: 'Power' }],
    ['label rack in "a", "b"', { label: 'rack', in: ['a', 'b'] }],
    ['serial does not exist', { fact: 'serial', exists: false }],
    ['ip cidr "10.0.0.0/8"', { fact: 'ip', cidr: '10.0.0.0/8' }],
  ])('has the text %s', (text, condition) => expect(formatCondition(condition)).toBe(text))

  test('that fails is returned with the value of the machine', () => {
    const failing: Condition = { label: 'rack', equals: 'b5' }
    const refuses = compileSelector([{ fact: 'arch', equals: 'x86_64' }, failing, { label: 'gone', exists: true }])
    expect(refuses(subject)).toBe(failing)
    expect([foundFor(failing, subject), foundFor({ label: 'gone', exists: true }, subject)]).toEqual([
      '"b4"',
      'nothing',
    ])
  })
})

describe('the value of a fact', () => {
  test('is entered by the operator, else reported now, else reported before', () => {
    const machine = machineOf({
      hostname: 'entered',
      facts: { hostname: 'before', product: 'before', serial: 'before', ip: '10.0.0.1' },
    })
    const { facts: asked } = subjectOf(machine, { hostname: 'now', product: 'now' }, target)
    expect(asked).toMatchObject({ hostname: ['entered'], product: ['now'], serial: ['before'], ip: ['10.0.0.1'] })
    expect(asked.asset).toBeUndefined()
  })

  test('of an unknown machine is the reported value', () => {
    const { facts: asked, labels } = subjectOf(undefined, { mac: '52:54:00:00:00:01' }, target)
    expect([asked.mac, asked.arch, labels]).toEqual([['52:54:00:00:00:01'], ['x86_64'], {}])
  })

  test('without conditions fits every machine', () => expect(compileSelector([])(subject)).toBeUndefined())
})

describe('a glob', () => {
  const reference = (pattern: string, value: string): boolean => {
    if (pattern === '') return value === ''
    if (pattern[0] === '*')
      return reference(pattern.slice(1), value) || (value !== '' && reference(pattern, value.slice(1)))
    return (
      value !== '' && (pattern[0] === '?' || pattern[0] === value[0]) && reference(pattern.slice(1), value.slice(1))
    )
  }

  test('matches by its definition, for every short pattern and value', () => {
    const words = (letters: string, maxLength: number): string[] =>
      maxLength === 0
        ? ['']
        : ['', ...[...letters].flatMap((letter) => words(letters, maxLength - 1).map((end) => letter + end))]
    const wrong: string[] = []
    for (const pattern of new Set(words('ab*?', 4)))
      for (const value of new Set(words('ab', 4)))
        if (matchesGlob(pattern, value) !== reference(pattern, value)) wrong.push(`${pattern} ${value}`)
    expect(wrong).toEqual([])
  })

  test('with many stars finishes quickly on a value that does not match', () => {
    expect(matchesGlob(`${'*a'.repeat(100)}*b`, 'a'.repeat(250))).toBe(false)
  })
})
