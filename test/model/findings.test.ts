import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findFinding, findingCodes, findings, findingThemes } from '../../src/model/findings/table.ts'
import { repository } from '../helpers/markdown.ts'

test('every code is in one theme only, and has the form BW-WORDS', () => {
  const all = Object.values(findingThemes).flatMap((theme) => Object.keys(theme))
  expect(all.sort()).toEqual([...findingCodes].sort())
  expect(all.filter((code) => !/^BW(?:-[A-Z0-9]+)+$/.test(code))).toEqual([])
})

test('every finding has a title without a full stop, causes and next steps', () => {
  const incomplete = Object.entries(findings).filter(
    ([, { title, causes, todo }]) => /[.:]$/.test(title) || causes.length === 0 || todo.length === 0,
  )
  expect(incomplete).toEqual([])
})

test('a page exists for each code, and for no other', () => {
  const pages = readdirSync(join(repository, 'docs/reference/findings')).filter((name) => name !== 'README.md')
  expect(pages.sort()).toEqual(findingCodes.map((code) => `${code}.md`).sort())
})

test('a text that is not a code has no meaning', () => {
  expect(findFinding('BW-DHCP-NO-OFFER')?.title).toBe('No DHCP server answered')
  expect(findFinding('toString')).toBeUndefined()
  expect(findFinding('BW-NOTHING')).toBeUndefined()
})
