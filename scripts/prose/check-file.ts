import { checkNames } from './check-names.ts'
import { checkText } from './check-text.ts'
import { readMarkdown } from './read-markdown.ts'
import { readTemplate } from './read-template.ts'
import { readTypescript } from './read-typescript.ts'
import { lineAt, type Text } from './text.ts'

/** The faults of a file, as `file:line: "words": what to write instead`. */
export function checkFile(name: string, source: string): string[] {
  const names = /^src\/.*\.ts$/.test(name) ? checkNames(name, source) : []
  return [...readTexts(name, source).flatMap(checkText), ...names].map(
    ({ found, instead, offset }) => `${name}:${lineAt(source, offset)}: "${found}": ${instead}`,
  )
}

function readTexts(name: string, source: string): Text[] {
  if (name.endsWith('.md')) return readMarkdown(source)
  return name.endsWith('.eta') ? readTemplate(source) : readTypescript(name, source)
}
