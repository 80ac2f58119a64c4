import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Code, InlineCode } from 'mdast'
import { remark } from 'remark'
import remarkGfm from 'remark-gfm'
import { type ParseEntry, parse } from 'shell-quote'
import { visit } from 'unist-util-visit'

export const repository = new URL('../..', import.meta.url).pathname

/** The paths of the repository's Markdown files, including files that are not committed yet. */
export function listMarkdownFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: repository,
    encoding: 'utf8',
  })
  const deleted = execFileSync('git', ['ls-files', '--deleted', '*.md'], { cwd: repository, encoding: 'utf8' })
  return listed.split('\n').filter((file) => file !== '' && !deleted.split('\n').includes(file))
}

/** A command on a page, split into words as a shell splits it. */
export type ShownCommand = { where: string; words: string[] }

/** The commands of a page: those in blocks of shell code, and inline code that begins with `bootwright` or `npm run`. */
export function listShownCommands(file: string): ShownCommand[] {
  const tree = remark()
    .use(remarkGfm)
    .parse(readFileSync(join(repository, file), 'utf8'))
  const commands: ShownCommand[] = []
  visit(tree, (node) => {
    if (node.type !== 'code' && node.type !== 'inlineCode') return
    if (node.type === 'code' && node.lang !== 'sh') return
    if (node.type === 'inlineCode' && !/^(bootwright|npm run|docker exec) /.test(node.value)) return
    const where = `${file}:${node.position?.start.line}`
    for (const words of splitCommands(node)) commands.push({ where, words })
  })
  return commands
}

/** Splits text into commands at shell operators. Comments and redirections are left out. */
function splitCommands(node: Code | InlineCode): string[][] {
  const lines = node.value.replaceAll(/\\\n\s*/g, ' ').split('\n')
  return lines.flatMap((line) => {
    const commands: string[][] = [[]]
    for (const entry of parse(line, (name) => `$${name}`)) {
      const word = wordOf(entry)
      if (word === undefined) commands.push([])
      else commands.at(-1)?.push(word)
    }
    return commands.filter((words) => words.length > 0)
  })
}

function wordOf(entry: ParseEntry): string | undefined {
  if (typeof entry === 'string') return entry
  return 'op' in entry && entry.op === 'glob' ? entry.pattern : undefined
}
