import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generatePages } from '../../scripts/docs/pages.ts'
import { repository } from '../helpers/markdown.ts'

test.each([...(await generatePages())])('%s is what `npm run docs` writes', (path, text) => {
  expect(readFileSync(join(repository, path), 'utf8'), 'run npm run docs').toBe(text)
})
