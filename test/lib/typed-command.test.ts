import { expect, test } from 'vitest'
import { asTyped, commandName } from '../../src/lib/typed-command.ts'

test('the name of the command line depends on whether npm runs it', () => {
  expect(commandName({ npm_lifecycle_event: 'start' })).toBe('npm run bootwright --')
  expect(commandName({})).toBe('bootwright')
})

test.each([
  ['to allow it: bootwright machine set M --allow', 'to allow it: npm run bootwright -- machine set M --allow'],
  [
    'bootwright image add x; bootwright explain M',
    'npm run bootwright -- image add x; npm run bootwright -- explain M',
  ],
  ['npm run bootwright -- token create X', 'npm run bootwright -- token create X'],
  ['the program Bootwright boots, data/bootwright x', 'the program Bootwright boots, data/bootwright x'],
])('"%s" becomes "%s" in a checkout', (text, typed) => expect(asTyped(text, 'npm run bootwright --')).toBe(typed))
