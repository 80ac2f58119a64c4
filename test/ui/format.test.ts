import { expect, test } from 'vitest'
import { fault } from '../../src/ui/http/format.ts'

test('a refused value is named as a person sees it in the form', () => {
  const expected = 'a name'
  expect(fault({ field: 'menu.entries[0].name', value: 'a b', expected })).toBe(
    'entry 1, name: expected a name, got “a b”',
  )
  expect(fault({ field: 'selector[2]', value: '', expected })).toBe('condition 3: expected a name')
  expect(fault({ field: 'macs[1]', value: 'x', expected })).toBe('macs[1]: expected a name, got “x”')
  expect(fault({ field: 'a', value: '', expected, message: 'A sentence.' })).toBe('A sentence.')
})
