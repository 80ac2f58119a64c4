// `npm run docs`: writes the pages of docs/reference, and the arrows of ARCHITECTURE.md, that are made from the code.

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generatePages } from './docs/pages.ts'
import { repository } from './setup/run.js'

for (const [path, text] of await generatePages()) {
  await mkdir(dirname(join(repository, path)), { recursive: true })
  await writeFile(join(repository, path), text)
  console.log(`${path} is written`)
}
