import { describe, expect, test } from 'vitest'
import { checkAnswers, defaultNocloud, renderAnswers, withRedactedSecrets } from '../../src/render/answers.ts'
import type { Names } from '../../src/render/names.ts'

const names: Names = {
  machine: { name: 'web1', arch: 'x86_64', platform: 'efi', labels: { rack: 'b4' } },
  image: { name: 'debian-12', version: 3 },
  params: { disks: ['sda', 'sdb'], net: { ip: '10.0.0.2' }, text: '<a "b">' },
  boot: { id: 'b', url: 'http://h/b/t', server: 'http://h', instance_id: 'm' },
}
const document = (text: string, name = 'a') => ({ name, mediaType: 'text/plain', text })
const render = (text: string, more: Partial<Names> = {}) =>
  renderAnswers([document(text)], { ...names, ...more })[0]?.text

describe('an answer file', () => {
  test('is filled in with loops, conditions and filters', () => {
    expect(render('{% for d in params.disks %}{{ d }} {% endfor %}{{ params.net.ip }}')).toBe('sda sdb 10.0.0.2')
    expect(render('{% if machine.labels.rack == "b4" %}yes{% endif %}{% if params.no %}no{% endif %}')).toBe('yes')
    expect(render('{{ params | json }} {{ params.text | escape }}')).toBe(
      '{"disks":["sda","sdb"],"net":{"ip":"10.0.0.2"},"text":"<a \\"b\\">"} &lt;a &#34;b&#34;&gt;',
    )
    expect(render('{{ params.no | default: "d" }}')).toBe('d')
  })

  test('that makes more than ten million characters is refused, wherever it makes them', () => {
    const many = (inner: string) => `{% for i in (1..9000) %}${inner}{% endfor %}`
    const tooLong = /renders to more than 10000000 characters/
    expect(() => render(many('{{ params.text }}'), { params: { text: 'x'.repeat(20_000) } })).toThrow(tooLong)
    expect(() => render(many('y'.repeat(20_000)))).toThrow(tooLong)
    expect(() => render(`{% capture a %}${many('y'.repeat(20_000))}{% endcapture %}`)).toThrow(tooLong)
    expect(render(many('{{ params.list }}'), { params: { list: ['a', ['b', null], 3] } })).toBe('ab3'.repeat(9000))
  })

  test.each([
    ['outputs', '{{ params.net.ip }}'.repeat(1001)],
    ['nested conditions', '{% if params %}'.repeat(501) + '{% endif %}'.repeat(501)],
    ['cases', `{% case params.x %}${'{% when 1 %}a'.repeat(1000)}{% endcase %}`],
  ])('of more than a thousand tags is refused when it is saved, and when it is filled in: %s', (_, text) => {
    expect(() => checkAnswers([document(text)])).toThrow(/100[12] tags and outputs: expected at most 1000/)
    expect(() => render(text)).toThrow(/expected at most 1000/)
  })

  test('names everything that is missing in all its documents, also inside of blocks, each once', () => {
    const texts = [
      '{{ params.a }} {% for d in params.disks %}{{ params.b }}{% if true %}{{ secrets.c }}{% endif %}{% endfor %}',
      '{{ machine.hostname }}{{ params.net.mask }}',
    ]
    const documents = texts.map((text, index) => document(text, `d${index}`))
    const faults = () => {
      try {
        renderAnswers(documents, { ...names, secrets: {} })
        return undefined
      } catch (error) {
        return (error as { faults: { field: string; value: string }[] }).faults.map((one) => [one.field, one.value])
      }
    }
    expect(faults()).toEqual([
      ['document d0', 'params.a is not set'],
      ['document d0', 'params.b is not set'],
      ['document d0', 'secrets.c is not set'],
      ['document d1', 'machine.hostname is not set'],
      ['document d1', 'params.net.mask is not set'],
    ])
  })

  test('reads nothing but its names: no file, no prototype, no other template', () => {
    for (const text of ['{{ params.constructor }}', '{{ machine.__proto__ }}', '{{ params.disks.concat }}'])
      expect(() => render(text)).toThrow(/is not set/)
    for (const text of ['{% include "/etc/passwd" %}', '{% render "/etc/passwd" %}', '{% layout "/etc/passwd" %}'])
      expect(() => render(text)).toThrow(/expected valid Liquid whose names have values/)
  })

  test('has asterisks for the secrets that are set, in a preview', () => {
    const shown = withRedactedSecrets(names, ['password'])
    expect(renderAnswers([document('{{ secrets.password }}')], shown)[0]?.text).toBe('********')
    expect(() => renderAnswers([document('{{ secrets.other }}')], shown)).toThrow(/secrets\.other is not set/)
  })

  test('is checked when it is saved, with what is set unknown', () => {
    checkAnswers([document('{{ params.any }}{{ secrets.any }}{{ machine.labels.any }}{% assign x = 1 %}{{ x }}')])
    expect(() => checkAnswers([document('{% for d in params.disks %}{{ d.name }}{{ disk }}{% endfor %}')])).toThrow(
      /there is no disk/,
    )
  })
})

describe('the documents that cloud-init asks for and nobody wrote', () => {
  test('are an instance-id with the host name, and nothing', () => {
    expect(defaultNocloud('meta-data', names)).toBe('instance-id: m\n')
    expect(defaultNocloud('meta-data', { ...names, machine: { ...names.machine, hostname: 'web1' } })).toBe(
      'instance-id: m\nlocal-hostname: web1\n',
    )
    expect([defaultNocloud('vendor-data', names), defaultNocloud('network-config', names)]).toEqual(['', undefined])
  })
})
