import { describe, expect, test } from 'vitest'
import type { Removal } from '../../src/model/assignment.ts'
import { argFault, renderArgs } from '../../src/render/args.ts'
import type { Names } from '../../src/render/names.ts'

const names: Names = {
  machine: { arch: 'x86_64', platform: 'efi', labels: {}, mac: '52:54:00:0a:0b:0c' },
  image: { name: 'rescue', version: 1 },
  params: { speed: 57600 },
  boot: { id: 'b', url: 'http://h/b/t', server: 'http://h', instance_id: 'm' },
}

describe('an argument that would be refused at boot', () => {
  test.each([
    ['||', 'not an operator'],
    ['&&', 'not an operator'],
    [';', 'not an operator'],
    ['#later', 'not beginning with #'],
    ['path=C:\\', 'not ending with a backslash'],
    ['locale=Zürich', 'printable ASCII'],
    ['{% if machine.mac %}||{% endif %}', 'not an operator'],
    ['{% if machine.mac %}#x{% endif %}', 'not beginning with #'],
    ['v={{ params.speed }}\\', 'not ending with a backslash'],
    ['{{ params.speed }}é', 'printable ASCII'],
    ['initrd=other.gz', 'no initrd='],
    ['{% if machine.mac %}initrd=other.gz{% endif %}', 'no initrd='],
    ['two words', 'no white space'],
  ])('%s is refused before', (arg, why) => expect(argFault(arg)).toContain(why))

  test('with quotes and blanks names the arguments to give instead', () => {
    expect(argFault('acpi_osi="Linux 5 +x"')).toContain(
      "Write each word as an argument: --arg 'acpi_osi=\"Linux' --arg '5' --arg '+x\"'",
    )
    expect(renderArgs(['acpi_osi="Linux', '5', '+x"'], names).join(' ')).toBe('acpi_osi="Linux 5 +x"')
  })

  test.each([
    'dyndbg="+p"',
    'a||b',
    'x=#1',
    '{{ params.speed }}#1',
    '{{ params.speed }}',
    'ip={{ machine.ip | default: "dhcp" }}',
    '{% if machine.mac %}BOOTIF=01-{{ machine.mac | replace: ":", "-" }}{% endif %}',
    'noinitrd=1',
  ])('%s is an argument', (arg) => expect(argFault(arg)).toBeUndefined())
})

describe('taking arguments off', () => {
  const args = ['quiet', 'console=ttyS0,{{ params.speed }}', 'console=tty0', 'url={{ params.nowhere }}', 'quiet']
  const without = (...removals: Removal[]) => renderArgs(args, names, { withoutArgs: removals })
  const unset = { pattern: 'url=*', count: 4 }

  test('goes by the text that is filled in, and by the one that is written', () => {
    expect(without(unset, { pattern: 'console=ttyS0,57600', count: 4 })).toEqual(['quiet', 'console=tty0', 'quiet'])
  })

  test('reaches only those that were there before', () => {
    expect(without(unset, { pattern: 'quie?', count: 4 })).toEqual(['console=ttyS0,57600', 'console=tty0', 'quiet'])
    expect(without(unset, { pattern: '*', count: 5 })).toEqual([])
  })

  test('takes what is too long off before it is counted', () => {
    const long = 'x'.repeat(2047)
    expect(renderArgs([long, 'quiet'], names, { withoutArgs: [{ pattern: 'x*', count: 1 }] })).toEqual(['quiet'])
  })
})

test('words of ours count towards what Linux takes', () => {
  const ours = ['kernel', 'initrd=initrd0', 'initrd=initrd1']
  const room = 2047 - ours.join(' ').length - 1
  expect(renderArgs(['a'.repeat(room)], names, { ours })).toHaveLength(1)
  expect(() => renderArgs(['a'.repeat(room + 1)], names, { ours })).toThrow(
    'args: expected at most 2047, the limit of Linux, including kernel initrd=initrd0 initrd=initrd1, got "2048 characters"',
  )
})

test('an initrd= that Liquid makes is refused when the script is made', () => {
  const written = '{% assign word = "initrd" %}{{ word }}=x'
  expect(() => renderArgs([written], names)).toThrow('args[0]: expected no initrd=')
})
