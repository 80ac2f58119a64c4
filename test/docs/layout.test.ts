import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { remark } from 'remark'
import { visit } from 'unist-util-visit'
import { expect, test } from 'vitest'
import { listMarkdownFiles, repository } from '../helpers/markdown.ts'

test('README stays a pitch, five minutes and links', () => {
  const lines = readFileSync(join(repository, 'README.md'), 'utf8').split('\n')
  expect(lines.length).toBeLessThanOrEqual(120)
})

test('the index names every page of the documentation', () => {
  const index = 'docs/README.md'
  const linked = new Set<string>()
  visit(remark().parse(readFileSync(join(repository, index), 'utf8')), 'link', ({ url }) => {
    linked.add(normalize(join(dirname(index), url)))
  })
  // The findings have an index of their own.
  const pages = listMarkdownFiles().filter(
    (file) => /^docs\/(?!decisions\/|reference\/findings\/BW-)/.test(file) && file !== index,
  )
  expect(pages.length).toBeGreaterThan(30)
  expect(pages.filter((page) => !linked.has(page))).toEqual([])
})
