import { describe, expect, test } from 'vitest'
import { renderArgs } from '../../src/render/args.ts'
import type { Names } from '../../src/render/names.ts'
import { scriptProse, scriptWord } from '../../src/render/words.ts'

describe('a word of a script', () => {
  test.each([
    'a',
    'console=ttyS0,115200n8',
    'ds=nocloud;s=http://x/',
    'a||b',
    'a#b',
    'x=$y',
    'a\\b',
    '"a',
    "root=UUID='x'",
  ])('may be %s', (word) => expect(scriptWord(word)).toBe(word))
  test.each(['', 'a b', 'a\tb', 'a\nb', '\u00a0', 'a\u0000', '${x}', 'a${x', '||', '&&', ';', '#', '#a', 'a\\', 'é'])(
    'may not be %j',
    (word) =>
      expect(() => scriptWord(word, 'args[2]')).toThrow(/^args\[2\]: expected a single word for an iPXE script/),
  )
})

describe('prose in a script', () => {
  test.each([
    ['a  b\n c', 'a b c'],
    ['a || b && c ; d', 'a ? b ? c ? d'],
    ['# a #b c#', '? a ?b c#'],
    ['x ${net0/mac}', 'x ?{net0/mac}'],
    ['ends with \\', 'ends with ?'],
    ['Zürich', 'Z?rich'],
    ['${${x}}', '?{?{x}}'],
  ])('%j is printed as %j', (text, said) => expect(scriptProse(text)).toBe(said))

  test('is cut between words, and says so', () => {
    const cut = scriptProse('delta '.repeat(60))
    expect(cut).toMatch(/^(delta )+\.\.\.$/)
    expect(cut.length).toBeLessThanOrEqual(200)
  })

  test('ends after 200 characters, and never with a backslash', () => {
    expect(scriptProse('x'.repeat(500)).length).toBe(200)
    expect(scriptProse(`${'x'.repeat(199)}\\y`)).toBe(`${'x'.repeat(199)}?`)
  })
})

describe('kernel arguments', () => {
  const names: Names = {
    machine: {
      id: 'i',
      name: 'web1',
      hostname: 'web1',
      mac: '52:54:00:12:34:56',
      arch: 'x86_64',
      platform: 'efi',
      labels: { role: 'db', 'a.b': 'c d' },
    },
    params: { console: 'ttyS1', nested: { deep: 1 } },
    secrets: { password: 'x' },
    image: { name: 'debian-12', version: 3 },
    boot: { id: 'b', url: 'http://h/b/t', server: 'http://h', instance_id: 'm' },
  }

  test('are filled in, and the empty ones left out', () => {
    const args = [
      'quiet',
      'url={{ boot.url }}/x',
      'h={{machine.hostname}}',
      '{{ image.name }}-{{ image.version }}',
      '{% if machine.labels.role == "db" %}hugepages=4{% endif %}',
      '{% if image.version == 9 %}x{% endif %}',
      'console={{ params.console }}',
      'other={{ params.other | default: "none" }}',
    ]
    expect(renderArgs(args, names)).toEqual([
      'quiet',
      'url=http://h/b/t/x',
      'h=web1',
      'debian-12-3',
      'hugepages=4',
      'console=ttyS1',
      'other=none',
    ])
  })

  test.each([
    ['{{ machine.rack }}', /^args\[0\]: expected valid Liquid \(machine\.rack is not set/],
    ['{{ nothing.at.all }}', /nothing is not set/],
    ['{{ boot.url | upload }}', /undefined filter: upload/],
    ['{{ boot.url', /not closed/],
    ['{% include "/etc/passwd" %}', /ENOENT|not found|Failed to lookup/i],
    ['{{ machine.constructor }}', /machine\.constructor is not set/],
    ['{{ secrets.password }}', /secrets\.password is not set/],
    ['{{ boot.answer_url }}', /boot\.answer_url is not set/],
    ['x={{ machine.labels["a.b"] }}', /without white space/],
    ['{% for i in (1..100000000) %}x{% endfor %}', /limit/],
    ['a b', /without white space/],
  ])('%s is refused', (arg, message) => expect(() => renderArgs([arg], names)).toThrow(message))

  test('may be as long as Linux takes, and no longer', () => {
    expect(renderArgs(['a'.repeat(1023), 'b'.repeat(1023)], names).length).toBe(2)
    expect(() => renderArgs(['a'.repeat(1024), 'b'.repeat(1023)], names)).toThrow('2048 characters')
  })
})
