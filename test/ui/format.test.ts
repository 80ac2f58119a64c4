import { expect, test } from 'vitest'
import { fault, placePath } from '../../src/ui/http/format.ts'

test('a refused value is named as a person sees it in the form', () => {
  const expected = 'a name'
  expect(fault({ field: 'menu.entries[0].name', value: 'a b', expected })).toBe(
    'entry 1, name: expected a name, got “a b”',
  )
  expect(fault({ field: 'selector[2]', value: '', expected })).toBe('condition 3: expected a name')
  expect(fault({ field: 'macs[1]', value: 'x', expected })).toBe('macs[1]: expected a name, got “x”')
  expect(fault({ field: 'a', value: '', expected, message: 'A sentence.' })).toBe('A sentence.')
})

test('a finding about a machine leads to it, and others lead nowhere', () => {
  expect(placePath('machine db 01')).toBeUndefined()
  expect(placePath('machine 52:54:00:00:00:01')).toBe('/machines?q=52%3A54%3A00%3A00%3A00%3A01')
  expect(placePath('BOOTWRIGHT_BOOT_LISTEN')).toBeUndefined()
})
