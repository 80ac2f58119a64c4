import { remark } from 'remark'
import remarkGfm from 'remark-gfm'
import remarkValidateLinks from 'remark-validate-links'
import type { Plugin } from 'unified'
import { engine } from 'unified-engine'
import { expect, test } from 'vitest'
import { listMarkdownFiles, repository } from '../helpers/markdown.ts'

test('every relative link and anchor in the documentation leads somewhere', async () => {
  const files = listMarkdownFiles()
  expect(files).toEqual(expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'docs/README.md']))
  expect(await listDeadLinks(files)).toEqual([])
})

function listDeadLinks(files: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    // The engine's type of a plugin knows no Markdown trees.
    engine(
      {
        cwd: repository,
        files,
        processor: remark().use(remarkGfm),
        plugins: [[remarkValidateLinks as unknown as Plugin, { repository: false, root: repository }]],
        reporter: () => '',
        output: false,
        out: false,
      },
      (error, _code, context) => {
        if (error || context === undefined) return void reject(error)
        resolve(
          context.files.flatMap((file) =>
            file.messages.map((message) => `${file.path}:${message.line} ${message.reason}`),
          ),
        )
      },
    )
  })
}
